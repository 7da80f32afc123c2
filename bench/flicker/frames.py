"""The frames of a video, or of a folder of pictures in the order of their names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.prediction.video_file import Frame, VideoFile
from depthbench.errors import InputError
from depthnet.data.photo import is_picture, read_photo

LARGEST, SMALLEST = 640, 32
"""Edges between which frames are compared: the longest, and the shortest."""

LOST = 1.5
"""Times the usual distance in time from which on a frame lacks between two."""

CUT_LEVELS, CUT_SEEN = 20.0, 0.5
"""Of a cut: how many levels of 255 small pictures differ by at least, and the share of pixels
that is found again at most."""

SMALL = (64, 36)


class FrameSource:
    """Frames in order; `rate` is how many a second, None for a folder.

    Raises InputError for a folder without pictures, and as `VideoFile` does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pictures: list[Path] = []
        self._video: VideoFile | None = None
        if path.is_dir():
            self._pictures = sorted(filter(is_picture, path.iterdir()), key=_by_number)
            if not self._pictures:
                raise InputError(f"{path}: no pictures in it", advice="give a video, or frames")
        elif not path.exists():
            raise InputError(f"{path}: no such file or folder")
        else:
            self._video = VideoFile(path)
        self.rate = float(self._video.rate) if self._video else None

    @property
    def damage(self) -> str:
        """After `frames`: what was wrong with a video."""
        return self._video.damage if self._video else ""

    def frames(self) -> Iterator[Frame]:
        """One after another; raises InputError for a picture that is none or of another size."""
        if self._video:
            yield from self._video.frames()
            return
        size: tuple[int, ...] = ()
        for number, picture in enumerate(self._pictures):
            image = read_photo(picture).image
            size = size or image.shape
            if image.shape != size:
                raise InputError(
                    f"{picture}: {image.shape[1]}x{image.shape[0]}, but the frames before it are "
                    f"{size[1]}x{size[0]}"
                )
            yield Frame(image, float(number))

    def lacks_between(self, before: Frame, after: Frame) -> bool:
        """Whether frames of the video lie between the two that could not be decoded."""
        return self.rate is not None and (after.time_s - before.time_s) * self.rate > LOST


def compared_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width at which frames of a size are compared, with their aspect ratio.

    Raises InputError where they are too small.
    """
    height, width = size[:2]
    if min(height, width) < SMALLEST:
        raise InputError(f"frames of {width}x{height}", advice=f"at least {SMALLEST} are needed")
    factor = min(1.0, LARGEST / max(height, width))
    return max(round(height * factor), SMALLEST), max(round(width * factor), SMALLEST)


def shrink(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """An image HxWx3 at another size (height, width)."""
    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


def is_cut(before: NDArray[np.uint8], after: NDArray[np.uint8], visible: float | None) -> bool:
    """Whether another scene begins with `after`; `visible` is the share of it seen in `before`.

    None where nothing is known of that. By the mean difference of small pictures, each without
    its mean colour: light that goes on is no cut.
    """
    if visible is not None and visible >= CUT_SEEN:
        return False
    first, second = map(_structure, (before, after))
    return float(np.abs(second - first).mean()) > CUT_LEVELS


def _by_number(picture: Path) -> list[tuple[int, str]]:
    """Where it stands in the order of names: 2 before 10."""
    parts = re.split(r"(\d+)", picture.name)
    return [(int(part), part) if part.isdecimal() else (0, part) for part in parts]


def _structure(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = np.asarray(Image.fromarray(image).resize(SMALL), dtype=np.float64)
    return small - small.mean(axis=(0, 1))
