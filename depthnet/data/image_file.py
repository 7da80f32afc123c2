"""Read one image file whole, or say what is wrong with it in one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from depthbench.errors import InputError

LARGEST = 50_000_000
"""Pixels; a header that promises more is refused before memory is taken for it."""

Source = Path | IO[bytes]


def read_rgb(source: Source, where: object) -> NDArray[np.uint8]:
    """Read a colour image as HxWx3 uint8 RGB; raises InputError naming `where`."""
    with open_image(source, where) as image:
        return np.array(image.convert("RGB"))


def read_levels(source: Source, where: object) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a one-channel image as HxW uint8 or uint16 levels; raises InputError."""
    with open_image(source, where) as image:
        mode, levels = image.mode, np.array(image)
    if mode == "L":
        return levels
    if mode.startswith("I"):
        if levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
            raise InputError(
                f"{where}: depth levels outside 16 bits", advice="give an 8 or 16-bit image"
            )
        return levels.astype(np.uint16)
    raise InputError(
        f"{where}: a depth map of mode {mode}", advice="give a one-channel 8 or 16-bit image"
    )


@contextmanager
def open_image(
    source: Source,
    where: object,
    *,
    formats: tuple[str, ...] | None = None,
    advice: str = "fetch it again",
) -> Iterator[Image.Image]:
    """An image that is read whole, of any mode, by default of any format that Pillow knows.

    Raises InputError, which names `where` and gives the `advice`, for what is missing, no image,
    damaged, or of more than `LARGEST` pixels.
    """
    try:
        with read_header(source, formats) as image:
            if image.width * image.height > LARGEST:
                raise InputError(
                    f"{where}: {image.width}x{image.height} pixels",
                    advice="give images below 50 megapixels",
                )
            image.load()
            yield image
    except FileNotFoundError as error:
        raise InputError(f"{where}: no such file", advice="add it, or name another") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{where}: not an image", advice=advice) from error
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        cause = " ".join(str(error).split())
        raise InputError(f"{where}: unreadable image ({cause})", advice=advice) from error


def read_header(source: Source, formats: tuple[str, ...] | None = None) -> Image.Image:
    """An image of which only the header is read; raises what Pillow does.

    The size is for the caller to judge: Pillow warns of large ones.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=formats)
