"""Read a photograph as a person sees it: upright, in 8-bit RGB, with what its camera noted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from depthbench.errors import InputError
from depthnet.data.image_file import open_image, read_header

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM", "JPEG2000")
"""Of pictures; Pillow also opens documents and runs other programs on them."""

ADVICE = "give a picture as JPEG, PNG, WebP, AVIF or TIFF"
LEVELS_16 = 65535
EXIF_IFD, ORIENTATION = 0x8769, 0x0112
SIDEWAYS = (5, 6, 7, 8)
"""Orientations of EXIF that exchange width and height."""


@dataclass(frozen=True)
class Photo:
    """A photograph: `image` is HxWx3 uint8 RGB, upright.

    `exif` holds the numeric tags of its camera, as they stand in the file. `sideways`: whether
    width and height were exchanged to set it upright. `frames`: how many the file holds, of which
    this is the first.
    """

    image: NDArray[np.uint8]
    exif: Mapping[int, Any]
    sideways: bool
    frames: int


def read_photo(path: Path) -> Photo:
    """Read a picture of one of `FORMATS`.

    The orientation of EXIF is applied, transparent parts are white, 16-bit levels are rounded to
    8 bits. Raises InputError for what is no picture, damaged, of more than 50 megapixels, or of
    levels that are no image's.
    """
    with open_image(path, path, formats=_formats(), advice=ADVICE) as picture:
        exif = picture.getexif()
        tags = {**exif, **exif.get_ifd(EXIF_IFD)}
        upright = ImageOps.exif_transpose(picture)
        return Photo(
            image=_as_rgb(upright, path),
            exif=tags,
            sideways=exif.get(ORIENTATION) in SIDEWAYS,
            frames=1 if picture.format == "MPO" else getattr(picture, "n_frames", 1),
        )


def is_picture(path: Path) -> bool:
    """Whether a file begins as a picture of one of `FORMATS`; it may be damaged further on."""
    try:
        with read_header(path, _formats()):
            return True
    except Image.DecompressionBombError:
        return True
    except (OSError, SyntaxError, ValueError):
        return False


@cache
def _formats() -> tuple[str, ...]:
    """Those that the installed Pillow knows."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _as_rgb(picture: Image.Image, path: Path) -> NDArray[np.uint8]:
    if picture.mode.startswith("I"):
        levels = np.array(picture)
        if levels.min() < 0 or levels.max() > LEVELS_16:
            raise InputError(f"{path}: levels outside 16 bits", advice="give 8 or 16-bit levels")
        grey = np.rint(levels / (LEVELS_16 / 255)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode == "F":
        raise InputError(
            f"{path}: levels in floating point", advice="give an image of 8 or 16-bit levels"
        )
    if picture.has_transparency_data:
        drawn = picture.convert("RGBA")
        white = Image.new("RGBA", drawn.size, "white")
        picture = Image.alpha_composite(white, drawn)
    return np.array(picture.convert("RGB"))
