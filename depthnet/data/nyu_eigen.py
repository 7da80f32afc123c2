"""The 654 test pairs of NYU Depth v2 as DenseDepth's nyu_test.zip holds them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod
from typing import IO

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError
from depthnet.data.image_file import LARGEST
from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.per_process import PerProcess
from depthnet.data.splits import at, check_split, take
from depthnet.data.store import Store

RGB, DEPTH, CROP = (f"eigen_test_{part}.npy" for part in ("rgb", "depth", "crop"))


class NyuEigen:
    """`eigen_test_rgb.npy` (N x H x W x 3 uint8) and `eigen_test_depth.npy` (N x H x W, metres).

    `crop`: first and last row and column that DenseDepth's evaluation scores, from
    `eigen_test_crop.npy`. The arrays are read one image at a time, best in order: in a packed
    archive going back means unpacking from the start. Raises InputError when an array is
    missing, has another shape or type, or ends early.
    """

    name = "nyu-eigen"

    def __init__(self, store: Store, split: str = "test", limit: int | None = None) -> None:
        self.split = check_split(split)
        self._rgb = _ArrayFile(store, RGB)
        self._depth = _ArrayFile(store, DEPTH)
        _check_shapes(self._rgb, self._depth)
        count = len(self._rgb) if split == "test" else 0
        self._members = take(range(count), limit, split, store.path)
        crop = _ArrayFile(store, CROP)
        if crop.shape != (4,):
            raise InputError(f"{crop.where}: {crop.shape}; expected 4 numbers, rows and columns")
        self.crop = tuple(int(edge) for edge in crop.all())

    @classmethod
    def found_in(cls, store: Store) -> bool:
        """Whether the archive or folder has the test images' array."""
        return store.has(RGB)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: int) -> DepthPair:
        number = at(self._members, index)
        return make_pair(f"{number:04d}", self._rgb[number], self._depth[number], self._depth.where)


@dataclass
class _Open:
    stream: IO[bytes]
    start: int


class _ArrayFile:
    """A .npy member of which one entry along the first axis is read at a time."""

    def __init__(self, store: Store, name: str) -> None:
        self.where = store.where(name)
        if not store.has(name):
            raise InputError(
                f"{self.where}: no such file; the test set is {RGB}, {DEPTH} and {CROP}"
            )
        with store.open(name) as stream:
            self.shape, self.dtype = _header(stream, self.where)
        self._file = PerProcess(partial(_open_array, store, name))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> NDArray:
        entry = self.shape[1:]
        return self._read(index * prod(entry), prod(entry)).reshape(entry)

    def all(self) -> NDArray:
        return self._read(0, prod(self.shape)).reshape(self.shape)

    def _read(self, first: int, count: int) -> NDArray:
        size = self.dtype.itemsize
        with self._file.use() as file:
            file.stream.seek(file.start + first * size)
            data = file.stream.read(count * size)
        if len(data) != count * size:
            raise InputError(f"{self.where}: ends early", advice="fetch it again")
        return np.frombuffer(data, self.dtype)


def _open_array(store: Store, name: str) -> _Open:
    stream = store.open(name)
    _header(stream, store.where(name))
    return _Open(stream, stream.tell())


def _header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_column, dtype = read(stream)
    except (ValueError, KeyError) as error:
        raise InputError(f"{where}: not an .npy array", advice="fetch it again") from error
    if by_column or dtype.hasobject or not shape:
        raise InputError(
            f"{where}: not a plain row-major array", advice="save it again with numpy.save"
        )
    return shape, dtype


def _check_shapes(rgb: _ArrayFile, depth: _ArrayFile) -> None:
    if len(rgb.shape) != 4 or rgb.shape[3] != 3 or rgb.dtype != np.uint8 or _too_large(rgb):
        raise InputError(f"{rgb.where}: {rgb.shape} {rgb.dtype}; expected N x H x W x 3 uint8")
    if depth.shape != rgb.shape[:3] or depth.dtype.kind != "f":
        raise InputError(
            f"{depth.where}: {depth.shape} {depth.dtype}; expected {rgb.shape[:3]} in metres"
        )


def _too_large(rgb: _ArrayFile) -> bool:
    # A header may promise anything; nothing is allocated for an image beyond this.
    return rgb.shape[1] * rgb.shape[2] > LARGEST
