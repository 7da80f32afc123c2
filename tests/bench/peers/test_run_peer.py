"""What runs on peers in the arm64 Python computes the model; here, with this machine's wheels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.models import load_model
from bench.peers import run_peer
from bench.peers.peer import NAMES, OURS, PEERS, Setting, choose, converted, settings_of
from bench.runtimes import registry
from depthbench.errors import InputError

TINY_TFLITE = Path(__file__).parents[1] / "runtimes" / "tiny.tflite"
IMAGE = np.random.default_rng(2).random((1, 3, 4, 6), np.float32)
LIMITS = {"fp32": 1e-5, "fp16": 1e-2}


def quiet(line: str) -> None:
    pass


@pytest.mark.parametrize(
    ("peer", "precision"),
    [(peer, p) for peer, about in PEERS.items() for p in about.precisions if p != "int8"],
)
def test_a_peer_computes_the_closed_form(
    peer: str,
    precision: str,
    tiny_onnx: Path,
    closed_form: Callable[[np.ndarray], np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if peer == "litert":  # its converter is not installed with the others
        declared = replace(registry.find(peer), convert=lambda *_: TINY_TFLITE)
        monkeypatch.setattr(registry, "find", lambda _: declared)
    monkeypatch.setattr("ncnn.cpu_support_arm_asimdhp", lambda: 1)  # x86 has it in storage only
    file = converted(peer, load_model(tiny_onnx), tmp_path, quiet)
    run = run_peer.RUNTIMES[peer](file, {"threads": 1, "precision": precision})
    output = run(IMAGE).reshape(1, 1, 4, 6)
    assert output == pytest.approx(closed_form(IMAGE), rel=LIMITS[precision])


def test_ncnn_in_fp16_is_refused_where_it_would_use_fp32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ncnn.cpu_support_arm_asimdhp", lambda: 0)
    with pytest.raises(RuntimeError, match="no fp16 arithmetic"):
        run_peer.ncnn(tmp_path, {"threads": 1, "precision": "fp16"})


def test_every_peer_can_be_run() -> None:
    assert set(PEERS) <= set(run_peer.RUNTIMES)


def test_each_setting_of_a_runtime_is_a_row_with_a_name() -> None:
    rows = settings_of(["tvm", "onnxruntime", "ncnn", "litert"], "fp32")
    assert [row.name for row in rows] == [
        *("tvm", "tvm-fp16", "onnxruntime", "ncnn", "ncnn-fp16", "litert"),
    ]
    assert [row.own for row in rows] == [True, False, True, True, False, True]
    assert settings_of(["tvm", "onnxruntime"], "int8") == [
        Setting("tvm", "int8"),
        Setting("onnxruntime", "int8"),
    ]


def test_what_runs_on_no_device_is_refused_with_what_does() -> None:
    assert choose("all") == list(NAMES)
    assert choose("ncnn,tvm") == ["ncnn", OURS]
    with pytest.raises(InputError, match="pytorch cannot be run on devices; give some of tvm,"):
        choose("pytorch,tvm")
    with pytest.raises(InputError, match="did you mean 'ncnn'"):
        choose("nccn")
