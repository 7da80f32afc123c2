"""Holes are filled along colours: closed forms, bounds, and real Kinect pairs."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import ndimage

from depthbench.errors import InputError
from depthnet.data.holes import fill_holes
from depthnet.data.image_file import read_levels, read_rgb

GREY = np.full((24, 32, 3), 120, np.uint8)


def noise(shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def test_a_constant_depth_is_filled_with_it_whatever_the_image() -> None:
    depth = np.zeros((24, 32), np.float32)
    depth[::5, ::7] = 2.5
    filled = fill_holes(noise((24, 32)), depth)
    np.testing.assert_allclose(filled, 2.5, rtol=1e-6)
    assert filled.dtype == np.float32


def test_a_ramp_on_a_flat_image_is_filled_with_the_ramp() -> None:
    """Every weight is equal there, and a linear function is its own mean over neighbours."""
    rows, columns = np.mgrid[:24, :32]
    ramp = (1.0 + 0.05 * columns + 0.02 * rows).astype(np.float32)
    depth = ramp.copy()
    depth[5:19, 6:26] = 0
    np.testing.assert_allclose(fill_holes(GREY, depth), ramp, rtol=1e-5)


def test_depth_does_not_bleed_over_an_edge_of_the_image() -> None:
    """A hole over the edge: each side takes the depth of its own colour, up to the edge."""
    image = GREY.copy()
    image[:, 16:] = (200, 190, 30)
    depth = np.full((24, 32), 2.0, np.float32)
    depth[:, 16:] = 5.0
    depth[6:18, 9:24] = 0
    filled = fill_holes(image, depth)
    np.testing.assert_allclose(filled[:, :16], 2.0, atol=0.01)
    np.testing.assert_allclose(filled[:, 16:], 5.0, atol=0.01)
    blended = fill_holes(GREY, depth)
    assert np.abs(blended[6:18, 14:18] - 3.5).max() < 1.0, "a flat image has no edge to stop at"


def reference(image: NDArray, depth: NDArray, fidelity: float) -> NDArray:
    """The toolbox's loop over pixels and windows, written plainly and solved densely."""
    grey = (image @ np.array([0.2989, 0.5870, 0.1140])) / 255
    H, W = depth.shape
    matrix, right = np.zeros((H * W, H * W)), np.zeros(H * W)
    for y in range(H):
        for x in range(W):
            row = y * W + x
            measured = depth[y, x] > 0
            if measured and math.isinf(fidelity):
                matrix[row, row], right[row] = 1, depth[y, x]
                continue
            near = [
                (v, u)
                for v in range(max(y - 1, 0), min(y + 2, H))
                for u in range(max(x - 1, 0), min(x + 2, W))
            ]
            values = np.array([grey[p] for p in near if p != (y, x)])
            smallest = np.min((values - grey[y, x]) ** 2)
            spread = 0.6 * np.var([grey[p] for p in near])
            spread = max(spread, -smallest / math.log(0.01), 2e-6)
            weights = np.exp(-((values - grey[y, x]) ** 2) / spread)
            for (v, u), weight in zip(
                [p for p in near if p != (y, x)], weights / weights.sum(), strict=True
            ):
                matrix[row, v * W + u] = -weight
            matrix[row, row] = 1 + (fidelity if measured else 0)
            right[row] = fidelity * depth[y, x] if measured else 0
    return np.linalg.solve(matrix, right).reshape(H, W)


@pytest.mark.parametrize("fidelity", [math.inf, 1.0, 0.1])
def test_it_solves_the_system_of_the_toolbox(fidelity: float) -> None:
    rng = np.random.default_rng(3)
    image = noise((9, 11), seed=4)
    depth = np.where(rng.random((9, 11)) < 0.4, rng.uniform(0.5, 9.5, (9, 11)), 0)
    filled = fill_holes(image, depth.astype(np.float32), fidelity=fidelity)
    np.testing.assert_allclose(filled, reference(image, depth, fidelity), rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), fidelity=st.sampled_from([math.inf, 1.0]))
def test_filled_values_lie_within_the_measured_ones(data: st.DataObject, fidelity: float) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    image = data.draw(hnp.arrays(np.uint8, (*shape, 3)))
    metres = st.just(0.0) | st.floats(0.125, 10, width=32)
    depth = data.draw(
        hnp.arrays(np.float32, shape, elements=metres).filter(lambda d: bool((d > 0).any()))
    )
    measured = depth > 0
    filled = fill_holes(image, depth, fidelity=fidelity)
    assert filled.shape == shape
    assert filled.dtype == np.float32
    assert filled.min() >= depth[measured].min()
    assert filled.max() <= depth[measured].max()
    if math.isinf(fidelity):
        np.testing.assert_array_equal(filled[measured], depth[measured])


def test_a_map_without_holes_comes_back_as_it_is() -> None:
    depth = np.random.default_rng(1).uniform(1, 9, (24, 32)).astype(np.float32)
    filled = fill_holes(noise((24, 32)), depth)
    np.testing.assert_array_equal(filled, depth)
    assert filled is not depth


def test_the_input_is_left_alone() -> None:
    depth = np.zeros((24, 32), np.float32)
    depth[3, 4] = 2
    before = depth.copy()
    fill_holes(GREY, depth)
    np.testing.assert_array_equal(depth, before)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, -1.0])
def test_what_is_no_depth_is_a_hole(nothing: float) -> None:
    holes = np.full((24, 32), 3.0, np.float32)
    holes[4:9, 4:9] = 0
    holes[0, 0] = 1.0
    other = np.where(holes == 0, np.float32(nothing), holes)
    np.testing.assert_array_equal(fill_holes(GREY, other), fill_holes(GREY, holes))


@pytest.mark.parametrize(
    ("image", "depth", "fidelity", "says"),
    [
        (GREY, np.zeros((24, 32), np.float32), math.inf, "without a single measured pixel"),
        (GREY, np.full((24, 32), np.nan, np.float32), math.inf, "without a single measured pixel"),
        (GREY, np.ones((32, 24), np.float32), math.inf, "the same size"),
        (GREY[..., 0], np.ones((24, 32), np.float32), math.inf, "8-bit RGB"),
        (GREY / 255, np.ones((24, 32), np.float32), math.inf, "8-bit RGB"),
        (GREY, np.ones((24, 32), np.uint16), math.inf, "metres as floats"),
        (GREY, np.ones((24, 32), np.float32), 0.0, "above 0"),
        (GREY, np.ones((24, 32), np.float32), math.nan, "above 0"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    image: NDArray, depth: NDArray, fidelity: float, says: str
) -> None:
    with pytest.raises(InputError, match=says) as caught:
        fill_holes(image, depth, fidelity=fidelity)
    assert "\n" not in str(caught.value)


def nearest(depth: NDArray) -> NDArray:
    rows, columns = ndimage.distance_transform_edt(
        depth == 0, return_distances=False, return_indices=True
    )
    return depth[rows, columns]


def test_hidden_kinect_depth_is_recovered_better_than_by_the_nearest(shared_data: Path) -> None:
    """24 x 24 squares of five real pairs are hidden; RMSE over what was measured in them."""
    folder = shared_data / "rgbd_holes" / "ch5" / "rgbd"
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for number in range(1, 6):
        image = read_rgb(folder / "color" / f"{number}.png", number)
        truth = (read_levels(folder / "depth" / f"{number}.pgm", number) / 1000).astype(np.float32)
        hidden = np.zeros(truth.shape, bool)
        for y, x in zip(rng.integers(0, 456, 60), rng.integers(0, 616, 60), strict=True):
            hidden[y : y + 24, x : x + 24] = True
        hidden &= truth > 0
        seen = np.where(hidden, np.float32(0), truth)
        filled = fill_holes(image, seen)
        assert (filled > 0).all()
        np.testing.assert_array_equal(filled[seen > 0], seen[seen > 0])
        ours.append((filled - truth)[hidden])
        theirs.append((nearest(seen) - truth)[hidden])

    def rmse(errors: list[NDArray]) -> float:
        return float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))

    assert hidden.mean() > 0.05
    assert rmse(ours) < 0.9 * rmse(theirs)
