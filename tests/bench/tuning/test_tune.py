"""`depthbench tune` on a tiny network: what it prints, keeps, and goes on from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.tuning import host_measurer
from bench.tuning import tune as tuning
from bench.tuning.measurer import NetworkGain
from compile import targets
from compile.records import tuned_choices as records
from compile.tuning.tune import State
from depthbench.errors import InputError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two convolutions, large enough to be timed."""
    random = np.random.default_rng(0)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 64, 32, 32])
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in {"a": (32, 3, 3, 3), "b": (64, 32, 1, 1)}.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "a"], ["x"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["x", "b"], ["depth"]),
    ]
    graph = helper.make_graph(nodes, "tiny", [image], [depth], weights)
    opset = [helper.make_opsetid("", 18)]
    path = tmp_path / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(host_measurer, "BUILDS", 1)
    return tmp_path / "cache"


def whole(ratio: float) -> Callable[..., NetworkGain]:
    return lambda *_: NetworkGain(ratio, ratio - 0.01, ratio + 0.01, ratio, 1.0, "cpu_ms")


@pytest.fixture
def tune(model: Path, tmp_path: Path) -> Callable[..., dict]:
    return lambda minutes=0.02, **more: tuning.tune(
        str(model), "host", tmp_path, minutes=minutes, **more
    )


def test_keeps_what_gains_and_only_that(
    tune: Callable[..., dict[str, Any]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = cache / "tuned" / records.file_name(targets.get("host"))
    # A gain is made up where there is none in noise this small.
    monkeypatch.setattr("compile.tuning.search.NOISE", -1.0)
    monkeypatch.setattr(host_measurer.ThisMachineMeasurer, "whole", whole(1.0))
    none = tune()
    assert none["tuned"] is None
    assert not none["whole"]["holds"]
    assert not file.exists()

    monkeypatch.setattr(host_measurer.ThisMachineMeasurer, "whole", whole(0.9))
    found = tune()
    assert found["tuned"] == str(file)
    assert found["rounds_of_before"] == none["rounds"]
    assert found["whole"]["gain"] == pytest.approx(0.1)
    assert len(records.read(file, targets.get("host"))) == found["tuned_workloads"] > 0


def test_the_whole_network_is_compared(
    tune: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compile.tuning.search.NOISE", -1.0)
    monkeypatch.setattr(host_measurer, "ROUNDS", 3)
    found = tune()["whole"]
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["ratio"] == pytest.approx(found["tuned"] / found["default"])
    assert found["unit"] == "cpu_ms"


def test_a_device_is_for_another_target(tune: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="the target host is tuned on this machine"):
        tune(device="emulated")


def test_an_emulated_phone_has_one_thread(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one thread"):
        tuning.tune(str(model), "arm64-a76", tmp_path, threads=2)


def test_a_line_of_progress() -> None:
    state = State(3, "pointwise", "tile 7x2x16", 0.05, 0.012, 125.4)
    assert tuning.describe(state) == (
        "round 3, 2:05 left, network -1.2% | pointwise: tile 7x2x16 -5.0%"
    )


def test_killed_and_started_again_it_goes_on(model: Path, cache: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.cli", "tune", str(model), "--json", "--minutes"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen([*command, "60"], cwd=tmp_path, env=environment)
    try:
        deadline = time.monotonic() + 120
        while _rounds(cache) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    kept = _rounds(cache)
    assert kept >= 2

    done = subprocess.run(
        [*command, "0.0001"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["rounds_of_before"] >= kept
    assert document["measured"] > 0


def _rounds(cache: Path) -> int:
    return sum(
        max(0, file.read_bytes().count(b"\n") - 1)
        for file in (cache / "tuned" / "journals").glob("*.jsonl")
    )
