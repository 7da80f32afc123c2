"""Read one image file whole, or say what is wrong with it in one line."""

from __future__ import annotations

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
    return np.array(_read(source, where).convert("RGB"))


def read_levels(source: Source, where: object) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a one-channel image as HxW uint8 or uint16 levels; raises InputError."""
    image = _read(source, where)
    if image.mode == "L":
        return np.array(image)
    if image.mode.startswith("I"):
        levels = np.array(image)
        if levels.min() < 0 or levels.max() > np.iinfo(np.uint16).max:
            raise InputError(
                f"{where}: depth levels outside 16 bits", advice="give an 8 or 16-bit image"
            )
        return levels.astype(np.uint16)
    raise InputError(
        f"{where}: a depth map of mode {image.mode}", advice="give a one-channel 8 or 16-bit image"
    )


def _read(source: Source, where: object) -> Image.Image:
    try:
        with Image.open(source) as image:
            if image.width * image.height > LARGEST:
                raise InputError(
                    f"{where}: {image.width}x{image.height} pixels",
                    advice="give images below 50 megapixels",
                )
            image.load()
            return image.copy()
    except FileNotFoundError as error:
        raise InputError(
            f"{where}: no such file: the data set is incomplete", advice="add it"
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(f"{where}: not an image", advice="fetch it again") from error
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        cause = " ".join(str(error).split())
        raise InputError(f"{where}: unreadable image ({cause})", advice="fetch it again") from error
