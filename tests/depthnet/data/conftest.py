"""Small data sets in every layout, made from the same few pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 12, 16


def photo(number: int) -> NDArray[np.uint8]:
    """An image that is no mirror image or transpose of itself, another for every number."""
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def metres(number: int) -> NDArray[np.float64]:
    """Depth from 0.5 to 9.5 m, another for every number."""
    return np.random.default_rng(100 + number).uniform(0.5, 9.5, (HEIGHT, WIDTH))


@pytest.fixture
def pairs() -> Callable[[int], tuple[NDArray, NDArray]]:
    """The image and the depth in metres of pair n."""
    return lambda number: (photo(number), metres(number))


@pytest.fixture
def nyu_folder(tmp_path: Path) -> Path:
    """rgb/, depth8/ and split.csv with four pairs: 0 and 2 test, 1 and 3 train."""
    folder = tmp_path / "nyu"
    for name in ("rgb", "depth8"):
        (folder / name).mkdir(parents=True)
    lines = ["index0,split,scene_type"]
    for number in range(4):
        Image.fromarray(photo(number)).save(folder / "rgb" / f"{number:05d}.jpg", quality=95)
        levels = np.floor(metres(number) / 9.99547 * 255).astype(np.uint8)
        Image.fromarray(levels).save(folder / "depth8" / f"{number:05d}.png")
        lines.append(f"{number},{'train' if number % 2 else 'test'},kitchen")
    (folder / "split.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """nyu_depth_v2_labeled.mat of five pairs, and splits.mat: 2 and 5 for testing, from 1."""
    path = tmp_path / "official" / "nyu_depth_v2_labeled.mat"
    path.parent.mkdir()
    with h5py.File(path, "w") as file:
        file["images"] = np.stack([photo(n).transpose(2, 1, 0) for n in range(5)])
        file["depths"] = np.stack([metres(n).T for n in range(5)]).astype(np.float32)
    split = {"trainNdxs": np.array([[1], [3], [4]]), "testNdxs": np.array([[2], [5]])}
    scipy.io.savemat(path.parent / "splits.mat", split)
    return path


@pytest.fixture
def densedepth(tmp_path: Path) -> Path:
    """nyu_data.zip, extracted: two training pairs of 8-bit depth, one test pair of 16-bit."""
    folder = tmp_path / "extracted"
    scene, test = folder / "data/nyu2_train/attic_0001_out", folder / "data/nyu2_test"
    scene.mkdir(parents=True)
    test.mkdir(parents=True)
    rows = []
    for number in (1, 2):
        Image.fromarray(photo(number)).save(scene / f"{number}.jpg", quality=95)
        levels = np.round(metres(number) / 10 * 255).astype(np.uint8)
        Image.fromarray(levels).save(scene / f"{number}.png")
        stem = f"data/nyu2_train/attic_0001_out/{number}"
        rows.append(f"{stem}.jpg,{stem}.png")
    (folder / "data/nyu2_train.csv").write_text("\n".join(rows) + "\n")
    Image.fromarray(photo(7)).save(test / "00007_colors.png")
    Image.fromarray(np.round(metres(7) * 1000).astype(np.uint16)).save(test / "00007_depth.png")
    line = "data/nyu2_test/00007_colors.png,data/nyu2_test/00007_depth.png\n"
    (folder / "data/nyu2_test.csv").write_text(line)
    return folder


@pytest.fixture
def eigen(tmp_path: Path) -> Path:
    """A folder with eigen_test_rgb.npy, _depth.npy and _crop.npy of four pairs."""
    folder = tmp_path / "eigen"
    folder.mkdir()
    np.save(folder / "eigen_test_rgb.npy", np.stack([photo(n) for n in range(4)]))
    depth = np.stack([metres(n) for n in range(4)]).astype(np.float32)
    np.save(folder / "eigen_test_depth.npy", depth)
    np.save(folder / "eigen_test_crop.npy", np.array([2, 9, 1, 13]))
    return folder
