from __future__ import annotations

import pickle

import numpy as np
import pytest

from depthnet.data import open_dataset
from depthnet.data.rooms.dataset import RoomsDataset

SMALL = (60, 80)


def small(split: str = "train", seed: int = 0, limit: int | None = None) -> RoomsDataset:
    return RoomsDataset(seed, split, limit, SMALL)


def test_a_pair_is_a_photograph_with_depth_everywhere() -> None:
    pair = open_dataset("rooms")[0]
    assert pair.name == "test/00000"
    assert pair.image.shape == (480, 640, 3)
    assert pair.image.dtype == np.uint8
    assert pair.depth.shape == (480, 640)
    assert pair.depth.dtype == np.float32
    assert pair.invalid == 0
    assert 0.4 < pair.depth.min() <= pair.depth.max() < 10


def test_the_same_pair_in_any_order_and_process() -> None:
    forwards, copy = small(limit=3), pickle.loads(pickle.dumps(small()))
    pairs = [forwards[index] for index in range(3)]
    for index in (2, 0):
        np.testing.assert_array_equal(copy[index].image, pairs[index].image)
        np.testing.assert_array_equal(copy[index].depth, pairs[index].depth)


def test_no_pair_is_another_s() -> None:
    seen = {
        dataset[index].depth.tobytes()
        for dataset in (small(), small("test"), small(seed=1), small("test", seed=1))
        for index in range(4)
    }
    assert len(seen) == 16


def test_pictures_are_exposed_and_vary() -> None:
    images = np.stack([small()[index].image for index in range(16)]).astype(float)
    # NYU's test images: mean levels 121, 104, 99.
    assert 80 < images.mean() < 140
    # NYU: 69 within an image, 23 between images.
    assert images.std(axis=(1, 2)).mean() > 35
    assert 12 < images.mean(axis=(1, 2, 3)).std() < 40


def test_depth_edges_are_seen_in_the_picture() -> None:
    # Where depth jumps, brightness changes more than elsewhere: they show the same scene.
    at_edges, elsewhere = [], []
    for index in range(8):
        pair = small("test")[index]
        grey = pair.image.astype(float).mean(axis=2)
        change = np.abs(np.diff(grey, axis=1))
        jump = np.abs(np.diff(np.log(pair.depth), axis=1)) > 0.15
        at_edges.append(change[jump].mean())
        elsewhere.append(change[~jump].mean())
    assert np.mean(at_edges) > 2.5 * np.mean(elsewhere)


@pytest.mark.parametrize("index", [-1, 3])
def test_beyond_the_end(index: int) -> None:
    with pytest.raises(IndexError):
        small(limit=3)[index]
