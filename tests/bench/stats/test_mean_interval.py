"""The interval of a mean, beside SciPy's and what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bench.stats.mean_interval import mean_interval


def test_is_that_of_scipys_test_of_one_sample() -> None:
    sample = np.random.default_rng(0).normal(0.7, 0.1, 30).tolist()
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert mean_interval(sample) == pytest.approx((expected.low, expected.high))


def test_holds_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    found = [mean_interval(random.beta(4, 2, 40).tolist()) for _ in range(1000)]
    held = [low <= 4 / 6 <= high for low, high in filter(None, found)]
    assert len(held) == 1000
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("values", [[], [0.5], [0.5, float("nan")]])
def test_of_too_little_there_is_none(values: list[float]) -> None:
    assert mean_interval(values) is None
