"""Against the real labelled set, where it lies on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthnet.data import data_folder, open_dataset

EXACT = [0, 1, 8, 13, 14, 15, 16, 17]
"""Test pairs of which the 16-bit depth is known too."""

pytestmark = pytest.mark.skipif(
    not (data_folder() / "nyu/split.csv").is_file(),
    reason=f"no NYU Depth v2 in {data_folder()}; set DEPTHBENCH_DATA to check against it",
)


def exact(kind: str, number: int) -> np.ndarray:
    path: Path = data_folder() / "nyu18_16bit" / kind / f"{number:05d}.png"
    if not path.is_file():
        pytest.skip(f"no {path.parent}, the pairs of exact depth")
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_official_split() -> None:
    assert len(open_dataset("nyu", "test")) == 654
    assert len(open_dataset("nyu", "train")) == 795


@pytest.mark.parametrize(("place", "number"), list(enumerate(EXACT)))
def test_depth_is_that_of_the_16_bit_maps(place: int, number: int) -> None:
    pair = open_dataset("nyu", limit=8)[place]
    assert pair.name == f"{number:05d}"
    error = pair.depth - exact("depth16", number) / 1000
    # Half a level is 19.6 mm, and the 16-bit maps are cut to whole millimetres.
    assert np.abs(error).max() < 0.0196 + 0.001 + 1e-5
    assert abs(error.mean()) < 0.002


@pytest.mark.parametrize(("place", "number"), [(0, 0), (3, 13)])
def test_images_are_not_mirrored(place: int, number: int) -> None:
    image = open_dataset("nyu", limit=8)[place].image.astype(float)
    original = exact("rgb", number).astype(float)
    assert np.sqrt(np.mean((image - original) ** 2)) < 8
    assert np.sqrt(np.mean((image[:, ::-1] - original) ** 2)) > 30


def test_depth_is_that_of_rooms_people_live_in() -> None:
    dataset = open_dataset("nyu", limit=40)
    depth = np.stack([dataset[index].depth[::8, ::8] for index in range(40)])
    assert 2 < np.median(depth) < 4
    assert depth.min() > 0.5
    assert depth.max() < 10.02
