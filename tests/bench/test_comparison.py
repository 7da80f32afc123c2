"""Interleaved timing and what is made of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench import comparison
from bench.errors import CheckFailed
from bench.runtimes.base import Runtime

POSITIVE = st.lists(st.floats(0.1, 100.0), min_size=1, max_size=30)


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


@given(samples=POSITIVE, factor=st.floats(0.1, 10.0))
def test_the_ratio_of_a_multiple_is_the_factor_without_doubt(
    samples: list[float], factor: float
) -> None:
    ratio = comparison.ratio_of_medians([s * factor for s in samples], samples)
    assert ratio == pytest.approx({"ratio": factor, "low": factor, "high": factor})


@given(ours=POSITIVE, seed=st.integers(0, 9))
def test_the_interval_holds_the_ratio_and_narrows_with_rounds(ours: list[float], seed: int) -> None:
    theirs = np.random.default_rng(seed).uniform(1.0, 2.0, len(ours)).tolist()
    few = comparison.ratio_of_medians(ours, theirs)
    assert few["low"] <= few["high"]
    assert few["low"] <= few["ratio"] * (1 + 1e-9)
    assert few["ratio"] <= few["high"] * (1 + 1e-9)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        a, b = generator.lognormal(0.0, 0.2, (2, 60))
        found = comparison.ratio_of_medians((0.8 * a).tolist(), b.tolist())
        covered += found["low"] <= 0.8 <= found["high"]
    assert covered >= 88


def test_runs_take_turns_and_each_has_a_time_a_round() -> None:
    seen: list[str] = []
    runs = {name: (lambda name=name: seen.append(name)) for name in "abc"}
    times = comparison.interleave(runs, rounds=7, warm_ups=2)
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


def test_unequal_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="2 and 1 rounds"):
        comparison.ratio_of_medians([1.0, 2.0], [1.0])
