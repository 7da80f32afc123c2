"""Photographs without depth: what teachers say of them is all that is learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from depthbench.errors import InputError
from depthnet.data.image_file import read_rgb
from depthnet.data.pair import DepthPair

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


class Photos:
    """The pictures in a folder and below it, in the order of their paths; depth is unknown.

    Raises InputError when the folder is missing or holds none.
    """

    split = "train"

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError(f"unlabelled pictures: no folder {folder}")
        self.name = f"unlabelled:{folder.name}"
        self._folder = folder
        self._paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        if not self._paths:
            raise InputError(f"{folder}: no pictures ({', '.join(SUFFIXES)}) in it or below it")

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> DepthPair:
        path = self._paths[index]
        image = read_rgb(path, path)
        depth = np.zeros(image.shape[:2], dtype=np.float32)
        return DepthPair(path.relative_to(self._folder).as_posix(), image, depth)
