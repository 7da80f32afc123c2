from __future__ import annotations

import numpy as np
import pytest

from depthbench.errors import InputError
from depthnet.data.pair import make_pair

IMAGE = np.zeros((4, 6, 3), np.uint8)


def test_unusable_depths_become_zero_and_are_counted() -> None:
    depth = np.full((4, 6), 2.5)
    depth[0, :4] = [np.nan, np.inf, -np.inf, -1.0]
    depth[1, 0] = 0
    pair = make_pair("a", IMAGE, depth, "a.png")
    assert pair.invalid == 4
    assert pair.depth.dtype == np.float32
    assert (pair.depth[0, :4] == 0).all()
    assert pair.depth[1, 0] == 0
    assert np.count_nonzero(pair.depth) == 19


@pytest.mark.parametrize("shape", [(6, 4), (4, 5), (4, 6, 1)])
def test_sizes_that_differ_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"b\.png: the image is 6x4 and its depth .* same size"):
        make_pair("b", IMAGE, np.ones(shape), "b.png")


def test_millimetres_read_as_metres_are_refused() -> None:
    with pytest.raises(InputError, match=r"c\.png: median depth 2500 m.*millimetres"):
        make_pair("c", IMAGE, np.full((4, 6), 2500.0), "c.png")


def test_a_median_of_known_depths_only() -> None:
    depth = np.zeros((4, 6))
    depth[0, 0] = 2500.0
    with pytest.raises(InputError, match="millimetres"):
        make_pair("d", IMAGE, depth, "d.png")


def test_a_map_without_any_depth_is_kept() -> None:
    assert not make_pair("e", IMAGE, np.zeros((4, 6)), "e.png").depth.any()


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8), np.zeros((4, 6, 3), np.float32)],
)
def test_images_that_are_not_8_bit_rgb_are_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="give 8-bit RGB"):
        make_pair("f", image, np.ones((4, 6)), "f.png")
