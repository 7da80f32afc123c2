"""NYU Depth v2's official labelled set: nyu_depth_v2_labeled.mat with its split file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from depthbench.errors import InputError
from depthnet.data.image_file import LARGEST
from depthnet.data.matlab_indices import read_indices
from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.per_process import PerProcess
from depthnet.data.splits import at, check_split, read_table, take

if TYPE_CHECKING:
    import h5py

SPLIT_ARRAYS = {"train": "trainNdxs", "test": "testNdxs"}


class NyuMatlab:
    """`images` (N x 3 x W x H uint8) and `depths` (N x W x H, metres, filled) of the HDF5 file.

    The split comes from a file beside it: the official `splits.mat` (`trainNdxs`, `testNdxs`,
    counted from 1), or a `split.csv` of index0 (counted from 0) and split. Raises InputError
    when either file is missing, damaged or has other contents.
    """

    name = "nyu-labeled"

    def __init__(self, path: Path, split: str = "test", limit: int | None = None) -> None:
        self.path = path
        self.split = check_split(split)
        # Opened and closed here: worker processes must not inherit an open HDF5 file.
        with _open_hdf5(path) as file:
            count = _count(file, path)
        table, members = _members(path.parent, split)
        if members and not 0 <= min(members) <= max(members) < count:
            raise InputError(
                f"{table}: names pairs beyond the {count} of {path.name}", advice="check both"
            )
        self._members = take(members, limit, split, table)
        self._file = PerProcess(partial(_open_hdf5, path))

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: int) -> DepthPair:
        number = at(self._members, index)
        where = f"{self.path}, pair {number + 1}"
        try:
            with self._file.use() as file:
                image, depth = file["images"][number], file["depths"][number]
        except OSError as error:
            raise InputError(f"{where}: damaged", advice="fetch the file again") from error
        # MATLAB stores columns first, so HDF5 sees every axis in reverse.
        return make_pair(f"{number:05d}", image.transpose(2, 1, 0), depth.T, where)


def _open_hdf5(path: Path) -> h5py.File:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path}: not a whole MATLAB 7.3 (HDF5) file", advice="fetch it again"
        ) from error


def _count(file: h5py.File, path: Path) -> int:
    images, depths = file.get("images"), file.get("depths")
    if images is None or depths is None:
        raise InputError(
            f"{path}: has no images and depths", advice="give nyu_depth_v2_labeled.mat"
        )
    right = (
        images.ndim == 4
        and images.shape[1] == 3
        and images.dtype == np.uint8
        and depths.shape == (images.shape[0], *images.shape[2:])
        and images.shape[2] * images.shape[3] <= LARGEST
    )
    if not right:
        raise InputError(
            f"{path}: images {images.shape} and depths {depths.shape}; expected N x 3 x W x H "
            "8-bit and N x W x H"
        )
    return int(images.shape[0])


def _members(folder: Path, split: str) -> tuple[Path, list[int]]:
    matlab, table = folder / "splits.mat", folder / "split.csv"
    if matlab.is_file():
        return matlab, [number - 1 for number in read_indices(matlab, SPLIT_ARRAYS[split])]
    if table.is_file():
        return table, read_table(table, split)
    raise InputError(
        f"{matlab}: no such file",
        advice="put the official splits.mat (or a split.csv of index0,split) beside the labelled "
        "file",
    )
