from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.statistics import summarise
from depthbench.errors import InputError

times = st.lists(st.floats(1e-3, 1e5), min_size=2, max_size=60)


@given(times)
def test_agrees_with_numpy_and_scipy(samples: list[float]) -> None:
    summary = summarise(samples)
    for name, share in (("p50", 50), ("p90", 90), ("p99", 99)):
        assert summary[name] == pytest.approx(  # type: ignore[literal-required]
            np.percentile(samples, share, method="linear")
        )
    assert summary["p90"] == pytest.approx(
        scipy.stats.mstats.mquantiles(samples, [0.9], alphap=1, betap=1)[0]
    )
    # Differences of samples are rounded to the largest of them.
    rounding = 1e-12 * max(samples)
    assert summary["mean"] == pytest.approx(np.mean(samples))
    std = math.sqrt(np.var(samples, ddof=1))
    assert summary["std"] == pytest.approx(std, rel=1e-9, abs=rounding)
    cv = scipy.stats.variation(samples, ddof=1)
    assert summary["cv"] == pytest.approx(cv, rel=1e-9, abs=rounding / summary["mean"])
    mad = scipy.stats.median_abs_deviation(samples)
    assert summary["mad"] == pytest.approx(mad, rel=1e-9, abs=rounding)
    assert (summary["min"], summary["max"]) == (min(samples), max(samples))
    assert summary["count"] == len(samples)


@given(times, st.floats(0.01, 100))
def test_unit_changes_scale_times_and_leave_ratios(samples: list[float], factor: float) -> None:
    one, other = summarise(samples), summarise([sample * factor for sample in samples])
    for name in ("p50", "p90", "p99", "mean", "std", "mad", "min", "max"):
        was, found = one[name], other[name]
        assert was is not None
        assert found == pytest.approx(was * factor, rel=1e-6, abs=1e-9 * factor * max(samples))
    assert other["cv"] == pytest.approx(one["cv"], rel=1e-6, abs=1e-9)


@given(times, st.randoms())
def test_order_does_not_matter(samples: list[float], random: object) -> None:
    shuffled = samples[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = summarise(samples), summarise(shuffled)
    assert list(one.values()) == pytest.approx(list(other.values()), rel=1e-9, abs=1e-9)


def test_percentiles_of_a_known_list() -> None:
    summary = summarise([float(k) for k in range(1, 102)])
    assert (summary["p50"], summary["p90"], summary["p99"]) == (51, 91, 100)
    assert summary["mad"] == 25


def test_one_sample_has_no_spread_to_speak_of() -> None:
    summary = summarise([7.0])
    assert (summary["p50"], summary["p99"], summary["mad"]) == (7, 7, 0)
    assert summary["std"] is None
    assert summary["cv"] is None


@pytest.mark.parametrize("samples", [[], [1.0, float("nan")], [float("inf")], [1.0, 0.0], [-1.0]])
def test_refuses_what_is_no_list_of_times(samples: list[float]) -> None:
    with pytest.raises(InputError):
        summarise(samples)
