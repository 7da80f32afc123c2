from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from depthbench.errors import InputError
from depthnet.data.nyu_matlab import NyuMatlab


def test_pairs_match_what_was_written(labelled: Path, pairs: Callable) -> None:
    test, train = NyuMatlab(labelled, "test"), NyuMatlab(labelled, "train")
    assert [pair.name for pair in map(test.__getitem__, range(len(test)))] == ["00001", "00004"]
    assert [pair.name for pair in map(train.__getitem__, range(len(train)))] == [
        "00000", "00002", "00003",
    ]  # fmt: skip
    image, depth = pairs(4)
    np.testing.assert_array_equal(test[1].image, image)
    np.testing.assert_array_equal(test[1].depth, depth.astype(np.float32))


def test_a_copy_for_another_process_reads_alone(labelled: Path) -> None:
    dataset = NyuMatlab(labelled, "test")
    first = dataset[0]
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy[0].depth, first.depth)


def test_the_split_may_be_a_table(labelled: Path) -> None:
    (labelled.parent / "splits.mat").unlink()
    (labelled.parent / "split.csv").write_text("index0,split\n3,test\n0,train\n")
    assert NyuMatlab(labelled, "test")[0].name == "00003"


def test_a_missing_split_says_what_to_put_there(labelled: Path) -> None:
    (labelled.parent / "splits.mat").unlink()
    with pytest.raises(InputError, match=r"splits\.mat: no such file; put the official"):
        NyuMatlab(labelled, "test")


def test_an_empty_split_is_refused(labelled: Path) -> None:
    scipy.io.savemat(labelled.parent / "splits.mat", {"testNdxs": np.zeros((0, 1))})
    with pytest.raises(InputError, match="the test split is empty"):
        NyuMatlab(labelled, "test")
    with pytest.raises(InputError, match="has no trainNdxs"):
        NyuMatlab(labelled, "train")


@pytest.mark.parametrize("number", [0, 6])
def test_a_split_beyond_the_file_is_refused(labelled: Path, number: int) -> None:
    scipy.io.savemat(labelled.parent / "splits.mat", {"testNdxs": np.array([[number]])})
    with pytest.raises(InputError, match="names pairs beyond the 5"):
        NyuMatlab(labelled, "test")


def test_a_cut_file_is_refused(labelled: Path) -> None:
    labelled.write_bytes(labelled.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"not a whole MATLAB 7\.3"):
        NyuMatlab(labelled, "test")


def test_other_contents_are_refused(labelled: Path) -> None:
    with h5py.File(labelled, "a") as file:
        del file["depths"]
        file["depths"] = np.ones((5, 16, 11))
    with pytest.raises(InputError, match="expected N x 3 x W x H"):
        NyuMatlab(labelled, "test")
    with h5py.File(labelled, "a") as file:
        del file["depths"]
    with pytest.raises(InputError, match="has no images and depths"):
        NyuMatlab(labelled, "test")


def test_holes_are_zero_and_millimetres_refused(labelled: Path) -> None:
    with h5py.File(labelled, "a") as file:
        file["depths"][1, 2, 3] = np.nan
        file["depths"][4] = 2500.0
    dataset = NyuMatlab(labelled, "test")
    assert dataset[0].invalid == 1
    assert dataset[0].depth[3, 2] == 0
    with pytest.raises(InputError, match=r"labeled\.mat, pair 5: median depth 2500 m"):
        dataset[1]
