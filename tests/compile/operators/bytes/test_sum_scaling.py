"""A whole sum is scaled by one multiply-add on its bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compile.operators.bytes.byte_dot_products import rounder
from compile.operators.bytes.sum_scaling import MOST, scaling
from compile.operators.vector_math import ROUNDER, ROUNDER_BITS

scales = st.lists(st.floats(2.0**-20, 0.25, width=32), min_size=1, max_size=20)


def fused(sums: np.ndarray, scale: np.ndarray, base: float) -> np.ndarray:
    """What the kernel computes; a float64 holds the product of two float32 exactly."""
    found = scaling(scale, base)
    assert np.abs(found.higher).max() <= MOST
    bits = (sums + ROUNDER_BITS + found.higher).astype(np.int32)
    return (bits.view(np.float32) * scale.astype(np.float64) + found.offset).astype(np.float32)


@given(values=scales, zero=st.integers(-128, 255), seed=st.integers(0, 99))
def test_a_sum_becomes_the_nearest_whole_number(values: list[float], zero: int, seed: int) -> None:
    scale = np.array(values, np.float32)
    sums = np.random.default_rng(seed).integers(-(2**21), 2**21, (500, scale.size))
    wanted = sums * scale.astype(np.float64)
    found = fused(sums, scale, rounder(zero))
    whole = found.view(np.int32) - ROUNDER_BITS + zero % 2 - zero
    assert np.abs(whole - wanted).max() <= 0.5 + scaling(scale, rounder(zero)).error


@given(values=scales, seed=st.integers(0, 99))
def test_a_sum_becomes_its_multiple(values: list[float], seed: int) -> None:
    scale = np.array(values, np.float32)
    sums = np.random.default_rng(seed).integers(-(2**21), 2**21, (500, scale.size))
    error = np.abs(fused(sums, scale, 0.0) - sums * scale.astype(np.float64))
    assert (error / scale).max() <= 1  # of sums of millions


def test_most_scales_have_an_offset_that_is_next_to_a_float() -> None:
    scale = np.exp(np.random.default_rng(0).uniform(-9, -3, 3000)).astype(np.float32)
    errors = [scaling(one, rounder(-128)).error for one in np.split(scale, scale.size)]
    assert np.median(errors) < 2e-6
    assert np.quantile(errors, 0.99) < 2e-4


@pytest.mark.parametrize("zero", [-128, 0, 3, 117])
def test_halves_become_even(zero: int) -> None:
    sums = np.arange(-200, 201)[:, None]
    found = fused(sums, np.array([0.25], np.float32), rounder(zero))
    whole = found.view(np.int32) - ROUNDER_BITS + zero % 2 - zero
    np.testing.assert_array_equal(whole, np.rint(sums * 0.25))
    assert ROUNDER + zero - zero % 2 == rounder(zero)
