"""A model small enough to check by hand, as an ONNX file and as an artefact of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.records.record import Record, new_record
from compile.artefact import Artefact, finish, load_artefact

SHAPE = (1, 3, 4, 6)
WEIGHTS = np.array([0.5, -2.0, 3.0], np.float32)
BIAS = np.float32(4.0)


@pytest.fixture
def closed_form() -> Callable[[np.ndarray], np.ndarray]:
    """What the tiny model computes: depth = 4 + 0.5 red - 2 green + 3 blue."""
    return lambda image: np.einsum("nchw,c->nhw", image, WEIGHTS)[:, None] + BIAS


@pytest.fixture
def tiny_onnx(tmp_path: Path) -> Path:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, SHAPE)
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, (1, 1, *SHAPE[2:]))
    constants = [
        numpy_helper.from_array(WEIGHTS.reshape(1, 3, 1, 1), "w"),
        numpy_helper.from_array(BIAS.reshape(1), "b"),
    ]
    node = helper.make_node("Conv", ["image", "w", "b"], ["depth"])
    graph = helper.make_graph([node], "tiny", [image], [depth], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "tiny.onnx")
    return tmp_path / "tiny.onnx"


@pytest.fixture
def artefact(tiny_onnx: Path, tmp_path: Path) -> Artefact:
    """An artefact of the tiny model whose library only a fake device can load."""
    folder = tmp_path / "tiny-arm64-a76"
    folder.mkdir()
    (folder / "model.so").write_bytes(b"code" * 25)
    manifest = {
        "name": "tiny",
        "target": {"name": "arm64-a76", "processor": "cortex-a76"},
        "threads": 2,
        "source": {"sha256": hashlib.sha256(tiny_onnx.read_bytes()).hexdigest()},
        "inputs": [{"name": "image", "shape": list(SHAPE), "dtype": "float32"}],
        "outputs": [{"name": "depth", "shape": [1, 1, *SHAPE[2:]], "dtype": "float32"}],
        "precision": "fp32",
    }
    finish(folder, manifest)
    return load_artefact(folder)


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Make a whole record of a kind, with fields changed."""

    def make(kind: str = "accuracy", **changes: Any) -> Record:
        known: dict[str, Mapping[str, Any]] = {
            **{"accuracy": ACCURACY, "complexity": COMPLEXITY, "cost": COST},
            **{"calibration": CALIBRATION, "flicker": FLICKER, "failed cell": FAILED_CELL},
            **{"pruning": PRUNING},
        }
        fields = known.get(kind, MEASURED)
        return new_record(kind, {**deepcopy(fields), **changes})

    return make


ACCURACY = {
    "model": "tiny",
    "model_sha256": "ab" * 32,
    "weights": "untrained (random, seed 0)",
    "origin": {"kind": "random", "seed": 0},
    "runtime": "onnxruntime",
    "runtime_settings": {"threads": 1, "precision": "float32"},
    "data": "nyu",
    "split": "test",
    "protocol": "eigen",
    "protocol_rule": "480x640, crop rows 45 to 471",
    "images": 50,
    "averaging": "per image",
    "flip": True,
    "rmse": 1.2341,
    "mae": 0.9,
    "rel": 0.4,
    "log10": 0.15,
    "delta1": 0.31,
    "delta2": 0.52,
    "delta3": 0.73,
    "per_image": [{"name": "0001", "rmse": 1.0}],
}
HELD_OUT = {"rmse": 0.6, "rel": 0.18, "delta1": 0.73}
COUNTED = {"cycles": 8e7, "instructions": 2e8, "held_out": HELD_OUT}
PRUNING = {
    "model": "tiny-70",
    "network": "tiny",
    "data": "nyu",
    **{"held_out_pairs": 32, "held_out_rule": "scenes", "held_out_unseen": True},
    "start": COUNTED,
    **{"cycles": 5.6e7, "share": 0.7, "held_out": HELD_OUT, "delta1_lost": 0.0},
    "table": [
        {
            **{"group": "conv", "alike": ["conv"], "units": 8, "counted_at": 4},
            **{"macs_saved": 10, "cycles_saved": 1.5},
        }
    ],
    "table_error": {name: {"median": 0.01, "worst": 0.02} for name in ("whole", "saved")},
    "steps": [
        {
            **COUNTED,
            **{"step": 1, "group": "conv", "channels": [8, 4], "estimated_cycles": 5.5e7},
            **{"loss": 1.0, "proposals": 3, "widths": {"conv": 4}},
        }
    ],
    "conditions": {"precision": "fp32"},
}
CALIBRATION = {
    "model": "tiny",
    "card": {"meaning": "metres", "scale": 1.2},
    "fitted": "scale",
    "scale": 1.2,
    "shift": 0.0,
    "scale_interval": [1.1, 1.3],
    "shift_interval": None,
    "pictures": 1,
    "focal": 1.0,
    **{"points": 3, "mae_m": 0.1, "rel": 0.05, "left_out_mae_m": 0.12, "left_out_rel": 0.06},
    "before_mae_m": 0.4,
    "by_distance": [],
    "measured": [
        {
            **{"picture": "a.jpg", "x": 1.0, "y": 2.0, "right": None, "bottom": None},
            **{"metres": 2.0, "fitted_m": 2.1, "left_out_m": 2.2, "used": True},
        }
    ],
    "notes": [],
}
FLICKER = {
    **{"model": "tiny", "runtime": "onnxruntime", "card": {"meaning": "metres"}},
    **{"data": "clip.mp4", "data_sha256": "ef" * 32, "flow": "none: nothing moves"},
    **{"share_of": "depth", "frames_per_second": 30.0, "size": [48, 64]},
    **{"frames": 2, "pairs": 1, "cuts": 0, "gaps": 0, "visible": 1.0},
    **{"flicker": 0.02, "flicker_p95": 0.02, "worst_s": 0.03, "aligned": 0.01},
    **{"scale_change": 0.01, "deviation": 0.01, "damage": ""},
    "per_pair": [{"time_s": 0.03, "change": 0.02, "aligned": 0.01, "scale": 1.01, "visible": 1.0}],
}
FAILED_CELL = {
    **{"model": "tiny", "runtime": "tvm", "device": {"name": "estimated"}, "cells": 24},
    "input_size": [224, 224],
    "conditions": {"precision": "fp16", "threads": 1},
    "failed": [{"step": "compile", "why": "the outputs differ"}],
    "command": ["depthbench", "sweep", "--model", "tiny", "--precision", "fp16"],
}
COMPLEXITY = {
    "model": "tiny",
    "input": [224, 224],
    "weights_paper_m": 6.4306,
    "weights_m": 5.8216,
    "macs_paper_g": 0.70500,
    "macs_conv_g": 0.6987,
    "paper": [
        {
            "table": "IX",
            "row": "SplitShuffle (E)",
            "printed": {"weights_m": 6.43, "macs_g": 0.7, "rmse": 0.497, "cpu_ms": 62.0},
        }
    ],
}
MEASURED = {
    "model": "tiny",
    "model_sha256": "ab" * 32,
    "artefact_sha256": "cd" * 32,
    "artefact_bytes": 23_456_789,
    "target": "arm64-a76",
    "device": {"name": "phone", "emulated": False},
    "emulated": False,
    "label": "latency",
    "p50_ms": 61.5,
    "p90_ms": 63.0,
    "p99_ms": 64.0,
    "mean_ms": 61.7,
    "std_ms": 0.8,
    "mad_ms": 0.5,
    "min_ms": 60.0,
    "max_ms": 64.2,
    "cv": 0.013,
    "count": 300,
    "samples_ms": [61.5] * 300,
    "sessions": [[61.5] * 100] * 3,
    "valid": True,
    "reasons": [],
    "quick": False,
    "agreement": {
        "against": "onnxruntime",
        "max_relative_difference": 2.5e-7,
        "max_abs_difference": 1.5e-6,
        "reference_std": 0.2,
        "tolerance": 1e-4,
    },
    "conditions": {
        "sampling": {"warmup": 10, "samples": 100, "seconds": 60.0, "sessions": 3},
        "input": "uniform in [0, 1), seed 0",
        "timer": "one inference by the device's clock",
        "threads": 1,
        "precision": "fp32",
        "before": {"battery_c": 30.0},
        "after": {"battery_c": 31.5},
    },
}
COST = {
    **{name: MEASURED[name] for name in ("model", "model_sha256", "artefact_sha256", "target")},
    "source": "emulated",
    "label": "emulated cost, not latency",
    "artefact_bytes": 23_456_789,
    "device": {"name": "emulated-a76", "emulated": True},
    "agreement": MEASURED["agreement"],
    "instructions": 216_852_148,
    "est_cycles": 86_403_636,
    "fma_cycles": 81_308_898,
    "macs": 650_471_184,
    "counted_instructions": [216_852_699, 216_851_597],
    "kernels": [
        {
            "name": "fused_pointwise",
            "calls": 7.0,
            "instructions": 216_852_148.0,
            "est_cycles": 86_403_636.0,
            "fma_cycles": 81_308_898.0,
            "macs": 650_471_184.0,
            "memory_bytes": 53_164_896.0,
            "estimated_ms": 41.25,
        }
    ],
    "estimate": {
        "core": "Raspberry Pi 5",
        "clock_ghz": 2.4,
        "cycles": 99_000_000.0,
        "compute_cycles": 86_403_636.0,
        "memory_cycles": 12_596_364.0,
        "milliseconds": 41.25,
        "low_ms": 38.2,
        "high_ms": 45.0,
        "error_source": "eleven public networks",
    },
    "traffic": {
        **{"reads": 121_198_620, "writes": 5_090_348, "written_back": 191_542},
        **{"l1_foreseen": 3_250_747, "l1_unforeseen": 378_770},
        **{"l2_foreseen": 1_168_911, "l2_unforeseen": 171_936},
        **{"l3_foreseen": 589_860, "l3_unforeseen": 49_300},
    },
    "peers": {},
    "absent": {},
    "lost": {},
    "seconds": 12.5,
    "conditions": {
        "precision": "fp32",
        "threads": 1,
        "input": "uniform in [0, 1), seed 0",
        "emulator": "qemu-aarch64 version 7.2.22",
        "cycle_model": "LLVM 19.1.7 neoverse-n1",
    },
}
