"""A warm-up is seen, and steady samples have none to speak of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.stats.warm_up import BATCH, warm_up_excess, warm_up_length


@settings(max_examples=50)
@given(st.integers(1, 8), st.floats(1.2, 5), st.integers(0, 99))
def test_a_slow_start_is_cut_off(batches: int, slower: float, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(50, 0.5, 100)
    samples[: batches * BATCH] *= slower
    length, excess = warm_up_excess(samples.tolist())
    assert batches * BATCH <= length <= 50
    if batches * BATCH > length / 2:
        assert excess > 0.5 * (slower - 1)


@given(st.lists(st.floats(1, 100), max_size=200), st.floats(0.1, 10))
def test_at_most_half_is_cut_whatever_the_unit(samples: list[float], factor: float) -> None:
    length = warm_up_length(samples)
    assert length % BATCH == 0
    assert 0 <= length <= len(samples) / 2
    assert warm_up_length([4.0 * ms for ms in samples]) == length


def test_steady_samples_have_no_warm_up_to_speak_of() -> None:
    generator = np.random.default_rng(0)
    found = [warm_up_excess((50 + generator.standard_t(4, 150)).tolist()) for _ in range(200)]
    assert all(abs(excess) < 0.05 for _, excess in found)


@pytest.mark.parametrize("count", [0, 1, 19])
def test_too_few_samples_tell_nothing(count: int) -> None:
    assert warm_up_excess([9.0] + [1.0] * (count - 1) if count else []) == (0, 0.0)
