"""Interleaved timing and what is made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from bench.measure import comparison
from bench.measure.interleaving import interleave
from bench.measure.timing import Sample
from bench.models import load_model
from bench.runtimes.base import Runtime
from compile import check
from depthbench.errors import CheckFailed, InputError, RuntimeLost
from tests.bench.test_quantise import of_half, small_network


class Fixed(Runtime):
    """Computes a multiple of its input, for as long as it is told."""

    def __init__(self, factor: float, busy_ms: float = 0.0) -> None:
        self.factor = factor
        self.busy_ms = busy_ms

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        end = time.process_time() + self.busy_ms / 1e3
        while time.process_time() < end:
            pass
        return {"y": inputs["x"] * self.factor}

    def describe(self) -> dict[str, Any]:
        return {"threads": 1, "precision": "fp32"}


INPUTS = {"x": np.arange(1.0, 5.0)}


def test_runs_take_turns_and_each_has_a_time_a_round() -> None:
    seen: list[str] = []

    def sampler(name: str) -> Callable[[], Sample]:
        return lambda: seen.append(name) or Sample(1.0, 1.0)  # type: ignore[func-returns-value]

    times = interleave({name: sampler(name) for name in "abc"}, rounds=7, warm_ups=2)
    assert {name: len(t.wall_ms) for name, t in times.items()} == dict.fromkeys("abc", 7)
    rounds = [seen[k : k + 3] for k in range(6, len(seen), 3)]
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1


def test_the_busier_runtime_takes_longer_in_cpu_time() -> None:
    found = comparison.compare(
        {"onnxruntime": Fixed(2.0, 1.0), "slow": Fixed(2.0, 4.0)}, INPUTS, rounds=9
    )
    ratio = found["runtimes"]["slow"]["against"]["onnxruntime"]
    assert ratio["low"] > 2.0
    assert found["runtimes"]["slow"]["agreement"]["max_relative_difference"] == 0.0


def test_a_runtime_that_computes_something_else_is_not_timed() -> None:
    with pytest.raises(CheckFailed, match=r"differ from onnxruntime's: wrong by 0\.5; nothing"):
        comparison.compare({"onnxruntime": Fixed(2.0), "wrong": Fixed(1.0)}, INPUTS, rounds=3)


def test_results_that_are_not_finite_are_told() -> None:
    runtimes = {"onnxruntime": Fixed(2.0), "wrong": Fixed(np.nan)}
    seen = r"wrong: output 'y' is NaN or infinite in 4 of 4 values; nothing"
    with pytest.raises(CheckFailed, match=seen):
        comparison.compare(runtimes, INPUTS, rounds=3)


def test_a_reference_that_is_not_finite_is_told_once() -> None:
    runtimes = {"onnxruntime": Fixed(np.nan), "other": Fixed(np.nan)}
    with pytest.raises(CheckFailed, match=r"^nothing to compare with: output 'y' of onnxruntime"):
        comparison.compare(runtimes, INPUTS, rounds=3)


class Breaks(Fixed):
    """Is lost at its n-th run."""

    def __init__(self, at: int) -> None:
        super().__init__(2.0)
        self.left = at

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        self.left -= 1
        if self.left <= 0:
            raise RuntimeLost("breaks: its process ended")
        return super().run(inputs)


@pytest.mark.parametrize("at", [1, 3, 9])
def test_who_is_lost_leaves_the_others_figures_whole(at: int) -> None:
    found = comparison.compare(
        {"onnxruntime": Fixed(2.0), "breaks": Breaks(at), "other": Fixed(2.0)}, INPUTS, rounds=8
    )
    assert found["lost"] == {"breaks": "breaks: its process ended"}
    assert list(found["runtimes"]) == ["onnxruntime", "other"]
    for runtime in found["runtimes"].values():
        assert runtime["cpu_ms"]["count"] == 8
        assert len(runtime["against"]) == 1


def test_without_the_reference_there_is_nothing_to_compare() -> None:
    with pytest.raises(RuntimeLost, match="no outputs to compare with: breaks: its process"):
        comparison.compare({"onnxruntime": Breaks(1), "other": Fixed(2.0)}, INPUTS, rounds=3)


def test_a_lower_precision_is_let_differ_as_far_as_it_says() -> None:
    runtimes = {"onnxruntime": Fixed(2.0), "near": Fixed(2.02)}
    with pytest.raises(CheckFailed, match="near by"):
        comparison.compare(runtimes, INPUTS, rounds=3)
    found = comparison.compare(runtimes, INPUTS, rounds=3, tolerance=0.05)
    assert found["runtimes"]["near"]["agreement"]["tolerance"] == 0.05


def test_fp16_files_may_differ_as_fp16_does(tmp_path: Path) -> None:
    onnx.save(small_network(), tmp_path / "wide.onnx")
    onnx.save(of_half(small_network()), tmp_path / "half.onnx")
    assert comparison.precision_of(load_model(tmp_path / "wide.onnx")) == ("fp32", 1e-4)
    assert comparison.precision_of(load_model(tmp_path / "half.onnx")) == ("fp32", 1e-2)


def test_quantised_files_may_differ_as_artefacts_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proto = small_network()
    (image,), step = [one.name for one in proto.graph.input], "step"
    proto.graph.initializer.append(numpy_helper.from_array(np.array(1 / 255, np.float32), step))
    for node in proto.graph.node:
        node.input[:] = ["bytes" if name == image else name for name in node.input]
    for kind, source, target in (("Dequantize", "code", "bytes"), ("Quantize", image, "code")):
        proto.graph.node.insert(0, helper.make_node(f"{kind}Linear", [source, step], [target]))
    onnx.save(proto, tmp_path / "bytes.onnx")
    model = load_model(tmp_path / "bytes.onnx")
    assert comparison.precision_of(model) == ("int8", 0.01)
    monkeypatch.setattr(check, "_variations", lambda *_: {"y": 0.04})
    assert comparison.precision_of(model) == ("int8", 0.08)

    def cannot_run(source: object) -> float:
        raise InputError("ONNX Runtime cannot run this model")

    monkeypatch.setattr(check, "allowed_difference", cannot_run)
    assert comparison.precision_of(model) == ("int8", 0.05)
