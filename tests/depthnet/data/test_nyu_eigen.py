from __future__ import annotations

import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from depthbench.errors import InputError
from depthnet.data import open_dataset
from depthnet.data.nyu_eigen import NyuEigen


@pytest.fixture(params=["folder", "stored", "deflated"])
def packed(request: pytest.FixtureRequest, eigen: Path) -> str:
    if request.param == "folder":
        return str(eigen)
    method = zipfile.ZIP_STORED if request.param == "stored" else zipfile.ZIP_DEFLATED
    path = eigen.parent / "nyu_test.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in eigen.iterdir():
            archive.write(file, file.name)
    return str(path)


def test_pairs_match_what_was_written_in_any_order(packed: str, pairs: Callable) -> None:
    dataset = open_dataset(packed)
    assert isinstance(dataset, NyuEigen)
    assert len(dataset) == 4
    assert dataset.crop == (2, 9, 1, 13)
    for number in (2, 0, 3, 1):
        image, depth = pairs(number)
        np.testing.assert_array_equal(dataset[number].image, image)
        np.testing.assert_array_equal(dataset[number].depth, depth.astype(np.float32))


def test_threads_do_not_disturb_each_other(packed: str) -> None:
    dataset = open_dataset(packed)
    alone = [dataset[index].depth for index in range(4)]
    order = [index % 4 for index in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for index, pair in zip(order, pool.map(dataset.__getitem__, order), strict=True):
            np.testing.assert_array_equal(pair.depth, alone[index])


def test_there_is_no_training_split(packed: str) -> None:
    with pytest.raises(InputError, match="the train split is empty"):
        open_dataset(packed, "train")


@pytest.mark.parametrize("part", ["depth", "crop"])
def test_a_missing_array_is_named(eigen: Path, part: str) -> None:
    (eigen / f"eigen_test_{part}.npy").unlink()
    with pytest.raises(InputError, match=rf"eigen_test_{part}\.npy: no such file"):
        open_dataset(str(eigen))


def test_other_shapes_are_refused(eigen: Path) -> None:
    np.save(eigen / "eigen_test_depth.npy", np.ones((3, 12, 16), np.float32))
    with pytest.raises(InputError, match=r"depth\.npy: \(3, 12, 16\) float32; expected \(4, 12"):
        open_dataset(str(eigen))
    np.save(eigen / "eigen_test_rgb.npy", np.ones((4, 12, 16, 3)))
    with pytest.raises(InputError, match=r"rgb\.npy: .*float64; expected N x H x W x 3 uint8"):
        open_dataset(str(eigen))


def test_another_crop_is_refused(eigen: Path) -> None:
    np.save(eigen / "eigen_test_crop.npy", np.ones((2, 2)))
    with pytest.raises(InputError, match=r"crop\.npy: \(2, 2\); expected 4 numbers"):
        open_dataset(str(eigen))


def test_pickled_objects_are_refused(eigen: Path) -> None:
    np.save(eigen / "eigen_test_depth.npy", np.array([{}] * 4, object), allow_pickle=True)
    with pytest.raises(InputError, match="not a plain row-major array"):
        open_dataset(str(eigen))


def test_an_array_that_ends_early_is_refused(eigen: Path) -> None:
    path = eigen / "eigen_test_depth.npy"
    path.write_bytes(path.read_bytes()[:-4])
    dataset = open_dataset(str(eigen))
    assert dataset[2].name == "0002"
    with pytest.raises(InputError, match=r"depth\.npy: ends early"):
        dataset[3]


def test_something_else_is_refused(eigen: Path) -> None:
    (eigen / "eigen_test_rgb.npy").write_text("no array")
    with pytest.raises(InputError, match=r"rgb\.npy: not an \.npy array"):
        open_dataset(str(eigen))


def test_millimetres_are_refused(eigen: Path) -> None:
    np.save(eigen / "eigen_test_depth.npy", np.full((4, 12, 16), 2500, np.float32))
    with pytest.raises(InputError, match=r"depth\.npy: median depth 2500 m"):
        open_dataset(str(eigen))[0]
