"""Read one depth map of one's own: levels of an image, or numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError, ToolMissing
from depthnet.data.image_file import LARGEST, open_image, read_levels

SUFFIXES = (".png", ".tif", ".tiff", ".pgm", ".npy", ".pfm", ".exr")
MILLIMETRES = 0.001
CHANNELS = ("Z", "Y", "V", "R")
"""Of an EXR file, in the order in which they are looked for."""


def read_depth(path: Path, scale: float | None = None) -> NDArray[np.float32]:
    """Read a depth map as HxW float32 metres.

    PNG, TIFF and PGM of 16-bit levels and .npy of whole numbers are in millimetres; .npy, TIFF, PFM
    and EXR of floating point in metres. `scale`: the metres of one level or unit, where it is
    another. Raises InputError for what is missing, damaged, no map, or of 8-bit levels whose
    `scale` is not given; ToolMissing for EXR without OpenEXR.
    """
    values = _squeezed(_read(path), path)
    if scale is None and values.dtype == np.uint8:
        raise InputError(
            f"{path}: 8-bit levels, whose unit is not known",
            advice="write millimetres in 16 bits, or say the metres of a level in the column "
            "scale of pairs.csv",
        )
    if values.dtype.kind not in "uif":
        raise InputError(f"{path}: a depth map of {values.dtype}", advice="write numbers")
    if scale is None:
        scale = 1.0 if values.dtype.kind == "f" else MILLIMETRES
    with np.errstate(invalid="ignore", over="ignore"):
        return (values.astype(np.float64) * scale).astype(np.float32)


def _read(path: Path) -> NDArray[Any]:
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    if path.suffix.lower() == ".exr":
        return _read_exr(path)
    with open_image(path, path, advice="write it again") as image:
        if image.mode == "F":
            return np.array(image)
    return read_levels(path, path)


def _read_npy(path: Path) -> NDArray[Any]:
    try:
        values: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no array of numbers", advice="write it with np.save") from error
    if values.size > LARGEST:
        raise InputError(f"{path}: {values.size} numbers", advice="give maps below 50 megapixels")
    return np.array(values)


def _read_exr(path: Path) -> NDArray[Any]:
    try:
        import OpenEXR
    except ImportError as error:
        raise ToolMissing(
            f"{path}: OpenEXR is not installed", advice="pip install 'depthbench[exr]'"
        ) from error
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = file.channels()
            found = {name.rpartition(".")[2]: one.pixels for name, one in channels.items()}
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path}: no EXR file that is whole", advice="write it again") from error
    for name in CHANNELS:
        if name in found:
            return np.array(found[name])
    raise InputError(f"{path}: no channel {' or '.join(CHANNELS)}", advice="write depth as Z")


def _squeezed(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """HxW of it, also of 1xHxW and HxWx1."""
    flat = values
    for axis in (-1, 0):
        if flat.ndim == 3 and flat.shape[axis] == 1:
            flat = flat.squeeze(axis)
    if flat.ndim != 2 or not flat.size:
        shape = "x".join(map(str, values.shape)) or "a single number"
        raise InputError(f"{path}: a depth map of shape {shape}", advice="give HxW")
    return flat
