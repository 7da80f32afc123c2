"""NYU Depth v2 as DenseDepth packed it for training: nyu_data.zip, about 50 000 pairs."""

from __future__ import annotations

import csv
import io

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError
from depthnet.data.image_file import read_levels, read_rgb
from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.splits import at, check_split, take
from depthnet.data.store import Store


def decode(levels: NDArray) -> NDArray[np.float32]:
    """Depth in metres: 8-bit levels are tenths of a 255th of 10 m, 16-bit ones millimetres.

    DenseDepth's training depth is 8-bit with 255 at 10 m, its test depth 16-bit.
    """
    scale = 10 / 255 if levels.dtype == np.uint8 else 1e-3
    return (levels.astype(np.float64) * scale).astype(np.float32)


class NyuDenseDepth:
    """The pairs listed in `data/nyu2_train.csv` and `data/nyu2_test.csv` (image, depth).

    Layout as in DenseDepth's loader (github.com/ialhashim/DenseDepth). Raises InputError when
    the list is malformed, empty, or names a file that is not there.
    """

    name = "nyu-densedepth"

    def __init__(self, store: Store, split: str = "test", limit: int | None = None) -> None:
        self.split = check_split(split)
        self._store = store
        table = self._table(split)
        if not store.has(table):
            raise InputError(f"{store.where(table)}: no such file; it lists the {split} split")
        rows = _rows(store.read(table), store.where(table))
        self._rows = take(rows, limit, split, store.where(table))
        for name in (name for row in self._rows for name in row):
            if not store.has(name):
                raise InputError(f"{store.where(name)}: no such file; the pair is incomplete")

    @staticmethod
    def _table(split: str) -> str:
        return f"data/nyu2_{split}.csv"

    @classmethod
    def found_in(cls, store: Store) -> bool:
        """Whether the archive or folder has either split's list."""
        return store.has(cls._table("train")) or store.has(cls._table("test"))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> DepthPair:
        image, depth = at(self._rows, index)
        read, where = self._store.read, self._store.where
        return make_pair(
            image.removeprefix("data/").rsplit(".", 1)[0],
            read_rgb(io.BytesIO(read(image)), where(image)),
            decode(read_levels(io.BytesIO(read(depth)), where(depth))),
            where(depth),
        )


def _rows(table: bytes, where: str) -> list[tuple[str, str]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(table.decode("utf-8"))) if row]
        return [(image.strip(), depth.strip()) for image, depth in rows]
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{where}: not a table of image,depth rows", advice="fetch it again"
        ) from error
