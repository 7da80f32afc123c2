"""Intervals by drawing again, against theory and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.stats.bootstrap import NAMES, RESAMPLES, intervals, resample
from bench.stats.statistics import summarise
from depthbench.errors import InputError

sessions = st.lists(st.lists(st.floats(0.1, 1e3), min_size=1, max_size=20), min_size=1, max_size=3)


@settings(max_examples=25)
@given(sessions, st.floats(0.5, 20))
def test_intervals_are_ordered_inside_the_samples_and_scale_with_the_unit(
    samples: list[list[float]], factor: float
) -> None:
    found = intervals(samples)
    scaled = intervals([[factor * ms for ms in session] for session in samples])
    every = [ms for session in samples for ms in session]
    for name, (low, high) in found.items():
        assert low <= high
        if name in ("p50", "p90", "p99", "mean"):
            assert min(every) * (1 - 1e-9) <= low
            assert high <= max(every) * (1 + 1e-9)
        unit = 1 if name == "cv" else factor
        assert scaled[name] == pytest.approx(
            [low * unit, high * unit], rel=1e-6, abs=1e-9 * factor * max(every)
        )
    assert set(found) == set(NAMES) - ({"std", "cv"} if len(every) == 1 else set())


def test_one_session_gives_what_scipy_gives() -> None:
    samples = np.random.default_rng(1).lognormal(4, 0.1, 200)
    found = intervals([samples.tolist()])
    for name, statistic in (("p50", np.median), ("mean", np.mean)):
        theirs = scipy.stats.bootstrap(
            (samples,), statistic, n_resamples=4000, method="percentile", random_state=2
        ).confidence_interval
        assert found[name] == pytest.approx([theirs.low, theirs.high], rel=0.01)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(100):
        low, high = intervals([generator.normal(50, 2, 80).tolist()])["mean"]
        covered += low <= 50 <= high
    assert 88 <= covered <= 99


def test_sessions_that_differ_widen_the_interval() -> None:
    noise = np.random.default_rng(4).normal(0, 1, (6, 100))
    alike, apart = (50 + noise).tolist(), (50 + noise + 3 * np.arange(6)[:, None]).tolist()
    widths = [high - low for low, high in (intervals(each)["p50"] for each in (alike, apart))]
    assert widths[1] > 5 * widths[0]


def test_the_statistics_are_those_of_the_summary() -> None:
    constant = [[7.0] * 5, [7.0] * 9]
    found, summary = intervals(constant), summarise([*constant[0], *constant[1]])
    for name in NAMES:
        value = summary[name]  # type: ignore[literal-required]
        assert found[name] == pytest.approx([value, value], abs=1e-12)


def test_many_samples_are_drawn_in_parts() -> None:
    rows = resample([np.arange(1.0, 9000.0).tolist()], lambda rows: rows[:, :1])
    assert rows.shape == (RESAMPLES, 1)
    assert len(np.unique(rows)) > 900


def test_no_sample_is_refused() -> None:
    with pytest.raises(InputError, match="no sample"):
        intervals([[], []])
