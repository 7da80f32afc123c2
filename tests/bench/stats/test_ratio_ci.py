"""The ratio of medians and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from bench.stats.ratio_ci import paired_ratio, unpaired_ratio

POSITIVE = st.lists(st.floats(0.1, 100.0), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(*[st.floats(0.1, 100.0)] * 2), min_size=1, max_size=30)


@settings(max_examples=30)
@given(samples=POSITIVE, factor=st.floats(0.1, 10.0))
def test_the_ratio_of_a_multiple_is_the_factor_without_doubt(
    samples: list[float], factor: float
) -> None:
    ratio = paired_ratio([s * factor for s in samples], samples)
    assert ratio == pytest.approx({"ratio": factor, "low": factor, "high": factor})


@settings(max_examples=30)
@given(pairs=PAIRS)
def test_the_interval_lies_within_what_the_samples_allow(
    pairs: list[tuple[float, float]],
) -> None:
    ours, theirs = zip(*pairs, strict=True)
    found = paired_ratio(ours, theirs)
    assert found["ratio"] == pytest.approx(np.median(ours) / np.median(theirs))
    assert found["low"] <= found["high"]
    assert min(ours) / max(theirs) <= found["low"] * (1 + 1e-9)
    assert found["high"] <= max(ours) / min(theirs) * (1 + 1e-9)


@settings(max_examples=30)
@given(pairs=PAIRS, factor=st.floats(0.1, 10.0))
def test_another_unit_of_ours_scales_the_interval(
    pairs: list[tuple[float, float]], factor: float
) -> None:
    ours, theirs = zip(*pairs, strict=True)
    once = paired_ratio(ours, theirs)
    scaled = paired_ratio([factor * value for value in ours], theirs)
    assert scaled == pytest.approx({name: factor * once[name] for name in ("ratio", "low", "high")})


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(memory: float) -> None:
    """Also where each has noise of its own that lasts: an autoregressive series."""
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        noise = lfilter([1.0], [1.0, -memory], generator.normal(0.0, 0.2, (2, 100)))[:, -60:]
        a, b = np.exp(noise)
        found = paired_ratio((0.8 * a).tolist(), b.tolist())
        covered += found["low"] <= 0.8 <= found["high"]
    assert covered >= (86 if not memory else 78)


def test_noise_of_both_alike_leaves_the_ratio_sure() -> None:
    generator = np.random.default_rng(0)
    shared = np.exp(generator.normal(0.0, 0.5, 60))
    a, b = np.exp(generator.normal(0.0, 0.01, (2, 60))) * shared
    together = paired_ratio(a.tolist(), b.tolist())
    apart = paired_ratio(a.tolist(), generator.permutation(b).tolist())
    assert together["high"] - together["low"] < 0.3 * (apart["high"] - apart["low"])


def test_unequal_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="2 and 1 rounds"):
        paired_ratio([1.0, 2.0], [1.0])


@given(st.floats(0.2, 5))
@settings(max_examples=10)
def test_the_ratio_of_a_multiple_lies_in_its_interval(factor: float) -> None:
    samples = np.random.default_rng(5).lognormal(3, 0.05, (3, 60))
    found = unpaired_ratio((factor * samples).tolist(), samples.tolist())
    assert found["ratio"] == pytest.approx(factor)
    assert found["low"] <= factor <= found["high"]
