"""Flicker of known size: closed forms, shifted maps, repeated maps."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.flicker.consistency import OverTime, compare
from bench.flicker.flow import DenseFlow, Motion, agreeing, no_motion, warp

SIZE = (48, 64)
factors = st.floats(0.5, 2.0)
seeds = st.integers(0, 2**32 - 1)


def depth_of(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(1, 5, size).astype(np.float32)


def texture(seed: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).uniform(0, 255, (*size, 3)).astype(np.float32)
    smooth = np.asarray(cv2.GaussianBlur(noise, (0, 0), 2))
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) / (high - low) * 255).astype(np.uint8)


@given(seed=seeds, metric=st.booleans())
def test_the_same_map_again_has_no_flicker_at_all(seed: int, metric: bool) -> None:
    depth = depth_of(seed)
    error = compare(depth, depth.copy(), no_motion(SIZE), metric=metric)
    assert error
    assert error.visible == 1
    if metric:
        assert (error.change, error.aligned, error.scale) == (0, 0, 1)
    else:
        assert error.aligned == pytest.approx(0, abs=1e-12)


@given(seed=seeds, factor=factors)
def test_a_change_of_scale_is_flicker_and_goes_when_aligned(seed: int, factor: float) -> None:
    depth = depth_of(seed)
    error = compare(depth, depth * np.float32(factor), no_motion(SIZE), metric=True)
    assert error
    assert error.change == pytest.approx(abs(1 - 1 / factor), abs=1e-5)
    assert error.scale == pytest.approx(factor, rel=1e-5)
    assert error.aligned == pytest.approx(0, abs=1e-5)


@given(seed=seeds, scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_without_metres_scale_and_shift_are_no_flicker(
    seed: int, scale: float, shift: float
) -> None:
    depth = depth_of(seed)
    after = (depth * scale + shift).astype(np.float32)
    error = compare(depth, after, no_motion(SIZE), metric=False)
    assert error
    assert error.change is None
    assert error.aligned == pytest.approx(0, abs=1e-4)


def test_without_metres_what_is_left_is_a_share_of_the_spread() -> None:
    before = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (100, 1))
    sign = np.where(np.arange(100) % 2, 1, -1)[:, None].astype(np.float32)
    error = compare(before, before + 0.09 * sign, no_motion(before.shape), metric=False)
    assert error
    low, high = np.percentile(before + 0.09 * sign, [5, 95])
    assert error.aligned == pytest.approx(0.09 / (high - low), rel=1e-4)


@given(seed=seeds, dx=st.integers(-6, 6), dy=st.integers(-6, 6))
def test_a_shifted_map_has_no_flicker_by_its_motion(seed: int, dx: int, dy: int) -> None:
    """Seen through a window that moves by whole pixels."""
    wide = depth_of(seed, (64, 80))
    before = wide[8:56, 8:72]
    after = wide[8 + dy : 56 + dy, 8 + dx : 72 + dx]
    flow = np.broadcast_to(np.array([dx, dy], np.float32), (*SIZE, 2))
    motion = Motion(flow, agreeing(flow, -flow))
    error = compare(before, after, motion, metric=True)
    assert error
    assert error.change == 0
    assert error.visible == pytest.approx((1 - abs(dx) / 64) * (1 - abs(dy) / 48))


def test_what_flow_there_and_back_does_not_agree_on_is_not_seen() -> None:
    """A square that moves over a wall that stands still hides what is ahead of it."""
    backward, forward = np.zeros((40, 40, 2), np.float32), np.zeros((40, 40, 2), np.float32)
    forward[10:20, 10:20, 0] = 10  # the square moves ten to the right
    backward[10:20, 20:30, 0] = -10
    visible = agreeing(backward, forward)
    uncovered = np.zeros((40, 40), bool)
    uncovered[10:20, 10:20] = True  # where the square was, the wall was not seen
    np.testing.assert_array_equal(visible, ~uncovered)


def test_warping_takes_from_where_flow_leads() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    flow = np.zeros((3, 4, 2), np.float32)
    flow[..., 0], flow[..., 1] = 0.5, 1
    columns, rows = np.meshgrid(np.arange(4) + 0.5, np.arange(3) + 1.0)
    expected = cv2.remap(
        values,
        columns.astype(np.float32),
        rows.astype(np.float32),
        interpolation=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    np.testing.assert_allclose(warp(values, flow), expected, atol=0.02)


def test_flow_of_a_shifted_picture_is_the_shift() -> None:
    wide = texture(0, (160, 200))
    before, after = wide[20:140, 20:180], wide[23:143, 15:175]
    motion = DenseFlow().between(before, after)
    inner = motion.flow[20:-20, 20:-20]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [-5, 3], atol=0.1)
    assert motion.visible.mean() > 0.85
    still = DenseFlow().between(before, before.copy())
    assert not still.flow.any()
    assert still.visible.all()


@given(seed=seeds, low=st.floats(0.5, 1), high=st.floats(1, 2), count=st.integers(1, 10))
def test_what_alternates_deviates_by_half_its_difference(
    seed: int, low: float, high: float, count: int
) -> None:
    depth = depth_of(seed)
    over_time = OverTime(metric=True)
    frames = [depth * np.float32(factor) for factor in (low, high) * count]
    for frame in frames:
        over_time.add(frame)
    assert over_time.deviation() == pytest.approx((high - low) / (high + low), abs=1e-5)
    stack = np.array(frames, dtype=np.float64)
    expected = np.mean(stack.std(axis=0) / stack.mean(axis=0))
    assert over_time.deviation() == pytest.approx(float(expected), abs=1e-6)


def test_without_metres_breathing_is_no_deviation() -> None:
    depth = depth_of(0)
    over_time = OverTime(metric=False)
    assert over_time.deviation() is None
    for factor in (1, 2, 0.5):
        over_time.add(depth * np.float32(factor) + np.float32(factor))
    assert over_time.deviation() == pytest.approx(0, abs=1e-6)
