"""NYU Depth v2's 1449 labelled pairs as a folder of JPEG images and 8-bit depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError
from depthnet.data.image_file import read_levels, read_rgb
from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.splits import at, check_split, read_table, take

FARTHEST = 9.99547
"""Metres at level 255: the farthest filled depth of the labelled set."""


def decode(levels: NDArray) -> NDArray[np.float32]:
    """Depth in metres of 8-bit levels, which were floor(metres / 9.99547 * 255).

    The middle of each level's interval, so the error is at most 19.6 mm.
    """
    return ((levels.astype(np.float64) + 0.5) * (FARTHEST / 255)).astype(np.float32)


class NyuFolder:
    """Pairs `rgb/%05d.jpg` and `depth8/%05d.png`, split by `split.csv` (index0, split).

    Depth is the filled (colorised) one, so no pixel is invalid. The numbers are those of the
    official file less one, and rise in the order of recording. Raises InputError when the list
    or a pair's file is missing.
    """

    name = "nyu"

    def __init__(self, folder: Path, split: str = "test", limit: int | None = None) -> None:
        self.folder = folder
        self.split = check_split(split)
        members = take(read_table(folder / "split.csv", split), limit, split, folder / "split.csv")
        self.numbers = members
        self._stems = [f"{number:05d}" for number in members]
        for path in map(self._rgb, self._stems):
            _require(path)
        for path in map(self._depth, self._stems):
            _require(path)

    def _rgb(self, stem: str) -> Path:
        return self.folder / "rgb" / f"{stem}.jpg"

    def _depth(self, stem: str) -> Path:
        return self.folder / "depth8" / f"{stem}.png"

    def __len__(self) -> int:
        return len(self._stems)

    def __getitem__(self, index: int) -> DepthPair:
        stem = at(self._stems, index)
        image, depth = self._rgb(stem), self._depth(stem)
        levels = read_levels(depth, depth)
        if levels.dtype != np.uint8:
            raise InputError(
                f"{depth}: 16-bit levels where depth8 holds 8-bit ones", advice="re-encode it"
            )
        return make_pair(stem, read_rgb(image, image), decode(levels), depth)


def _require(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"{path}: no such file: the pair is incomplete", advice="add the file")
