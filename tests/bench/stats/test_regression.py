"""Slow-downs are flagged, noise is not."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bench
from bench.stats.regression import (
    LEAST_RUNS,
    MOST_RUNS,
    Run,
    compare_with_history,
    fai_pep_limit,
    prediction_limit,
)
from depthbench.errors import InputError

HISTORIES = 1000
# The simulation behind the README's figures.
SIMULATED = runpy.run_path(str(Path(bench.__file__).parents[1] / "benchmarks" / "slow_downs.py"))
NOISE, flagged = SIMULATED["NOISE"], SIMULATED["flagged"]

times = st.lists(st.floats(1, 1000), min_size=LEAST_RUNS, max_size=30)


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("past", [LEAST_RUNS, MOST_RUNS])
def test_of_a_thousand_histories_of_noise_few_are_flagged(noise: str, past: int) -> None:
    assert flagged(NOISE[noise], past, 1.0, HISTORIES) <= 0.02


@pytest.mark.parametrize(
    ("noise", "past", "least"),
    [("phone", LEAST_RUNS, 0.95), ("phone", MOST_RUNS, 0.95), ("shared machine", MOST_RUNS, 0.9)],
)
def test_a_planted_slow_down_of_five_percent_is_flagged(
    noise: str, past: int, least: float
) -> None:
    assert flagged(NOISE[noise], past, 1.05, 200) >= least


def test_fai_pep_limit_of_known_runs() -> None:
    assert fai_pep_limit([10.0, 11.0, 12.0, 13.0, 14.0]) == pytest.approx(13.6 + 0.4)


def test_prediction_limit_holds_as_many_normal_medians_as_it_says() -> None:
    generator = np.random.default_rng(0)
    beyond = 0
    for _ in range(4000):
        *past, new = np.exp(generator.normal(4, 0.02, 8))
        beyond += new > prediction_limit(past, 0.05)
    assert beyond / 4000 == pytest.approx(0.05, abs=0.012)


@given(times)
def test_a_run_like_the_fastest_is_never_flagged(past: list[float]) -> None:
    runs = [Run(p50, 1.02 * p50) for p50 in past]
    assert compare_with_history(runs, runs[past.index(min(past))]).broke == ()


@given(times, st.floats(1, 1000), st.floats(0.01, 100))
def test_the_unit_does_not_matter_and_slower_is_not_better(
    past: list[float], p50: float, factor: float
) -> None:
    runs = [Run(each, 1.1 * each) for each in past]
    found = compare_with_history(runs, Run(p50, p50))
    scaled = [Run(factor * each.p50, factor * each.p90) for each in runs]
    assert compare_with_history(scaled, Run(factor * p50, factor * p50)).ratio == pytest.approx(
        found.ratio
    )
    slower = compare_with_history(runs, Run(2 * p50, 2 * p50))
    assert set(slower.broke) >= set(found.broke)
    assert slower.ratio == pytest.approx(2 * found.ratio)


def test_of_a_long_history_the_last_runs_count() -> None:
    old, new = [Run(100.0, 101.0)] * 50, [Run(50.0 + k / 10, 51.0) for k in range(MOST_RUNS)]
    found = compare_with_history([*old, *new], Run(60.0, 61.0))
    assert found.runs == MOST_RUNS
    assert len(found.broke) == 2


def test_too_few_runs_or_no_times_are_refused() -> None:
    with pytest.raises(InputError, match="4 past runs, but at least 5"):
        compare_with_history([Run(1.0, 1.0)] * 4, Run(1.0, 1.0))
    with pytest.raises(InputError, match="not positive and finite"):
        compare_with_history([Run(1.0, 1.0)] * 5, Run(float("nan"), 1.0))
