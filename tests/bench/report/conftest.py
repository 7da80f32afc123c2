"""Records of a network that was timed on a phone, with all that a report can show."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from bench.records.record import Record
from bench.report.report import build_report

Make = Callable[..., Record]
TRAINED: dict[str, Any] = {
    "weights": "trained on nyu, 20 epochs",
    "origin": {"kind": "trained"},
    "images": 654,
}
OPERATORS: list[dict[str, Any]] = [
    {
        "name": "conv_1",
        "operator": "convolution",
        "ms": 2.0,
        "macs": 40_000_000,
        "bytes": 8_000_000,
    },
    {"name": "conv_2", "operator": "convolution", "ms": 1.0, "macs": 1_000_000, "bytes": 8_000_000},
    {"name": "resize", "operator": "resize", "ms": 0.5, "macs": 0, "bytes": 800_000},
]
SUSTAINED: dict[str, Any] = {
    **{"asked_s": 600.0, "seconds": 600.4, "inferences": 8110, "uncounted": 601, "edge_s": 60.0},
    **{"first_fps": 16.25, "last_fps": 10.0, "last_to_first": 0.62, "throttled_at_s": 220.0},
    "window_s": 10.0,
    "windows": [
        {"start_s": 10.0 * n, "inferences": 150, "fps": 16.25 - 0.1 * n, "max_ms": 70.0}
        for n in range(60)
    ],
    "telemetry": {
        "seconds": [10.0 * n for n in range(60)],
        "clocks_mhz": {str(core): [2600.0 - 15 * n for n in range(60)] for core in (6, 7)},
        "hottest_c": [40.0 + n / 4 for n in range(59)] + [None],
        "battery_c": [30.0 + n / 10 for n in range(60)],
    },
    "energy": {
        **{"per_inference_mj": 251.4, "resolution_mj": 0.3, "mean_power_w": 3.65},
        **{"source": "current", "unit": "uA", "checked": True, "idle_subtracted": False},
    },
}

PEER: dict[str, Any] = {
    **{"precision": "fp32", "threads": 1, "version": "1.2", "seconds": 9.0, "estimate": None},
    "cost": {"instructions": 300_000_000, "est_cycles": 120_000_000, "fma_cycles": 60_000_000},
    "agreement": {"against": "onnxruntime", "max_relative_difference": 7e-6},
}


@pytest.fixture
def profiled(make_record: Make) -> Record:
    return _profiled(make_record)


@pytest.fixture
def everything(make_record: Make) -> list[Record]:
    return _everything(make_record)


@pytest.fixture(scope="session")
def whole_report(make_record: Make) -> dict[str, Any]:
    """A report of everything, not to be changed."""
    return build_report(_everything(make_record))


def _profiled(make_record: Make) -> Record:
    """A latency with temperatures and a profile."""
    record = make_record("latency", model="mobiledepth")
    record["sessions"] = [[60.0 + i % 7 for i in range(300)] for _ in range(3)]
    during = {"every_s": 10, "hottest_each_sample_c": [35.0, 38.5, 40.0]}
    record["conditions"]["after"] = {"battery_c": 31.5, "during": during}
    record["intervals"] = {"p50_ms": [61.2, 61.9]}
    scores = {"data": "rooms", "split": "test", "protocol": "eigen", "images": 7, "delta1": 0.75}
    agreement = {"against": "onnxruntime", "max_relative_difference": 3e-7}
    record["accuracy"] = {**scores, "agreement": agreement}
    record["memory"] = {"weights_bytes": 23_000_000, "activations_bytes": 4_000_000}
    record["sustained"] = deepcopy(SUSTAINED)
    record["profile"] = {
        "operators": deepcopy(OPERATORS),
        "peak_gflops": 80.0,
        "peak_gbytes_s": 10.0,
    }
    return record


def _everything(make_record: Make) -> list[Record]:
    """A timed and scored network, and an emulated one."""
    emulated = {
        "model": "ds",
        "device": {"name": "emulated-a76", "emulated": True},
        "sessions": [[3400.0, 3350.0, 3500.0]],
        "p50_ms": 3400.0,
    }
    return [
        make_record("complexity", model="mobiledepth"),
        make_record(model="mobiledepth", protocol="paper", delta1=0.67, **TRAINED),
        make_record(model="mobiledepth", delta1=0.68, **TRAINED),
        _profiled(make_record),
        make_record(model="ds"),
        make_record("emulated cost", **emulated),
        make_record("cost", model="ds", peers={"ncnn": PEER}),
    ]
