"""A prediction as the content of a file: levels in millimetres, an array, a point cloud."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.prediction.intrinsics import Intrinsics

FARTHEST_MM = np.iinfo(np.uint16).max
PNG_EFFORT = 4
VERTEX = [*((axis, "<f4") for axis in "xyz"), *((name, "u1") for name in ("red", "green", "blue"))]
PLY_TYPES = {"<f4": "float", "u1": "uchar"}


def as_png(picture: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """A picture, HxWx3 uint8, or HxW uint16, as PNG."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "png", compress_level=PNG_EFFORT)
    return content.getvalue()


def as_npy(depth: NDArray[np.float32]) -> bytes:
    """A prediction as NumPy's .npy."""
    content = io.BytesIO()
    np.save(content, depth)
    return content.getvalue()


def as_millimetres(depth: NDArray[np.float32]) -> tuple[NDArray[np.uint16], int]:
    """Metres as whole millimetres, and how many pixels those cannot hold: 0, as for no depth.

    They are not finite, beyond 65.535 m, or below half a millimetre.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        levels = np.rint(depth.astype(np.float64) * 1000)
        fits = np.isfinite(levels) & (levels >= 1) & (levels <= FARTHEST_MM)
    return np.where(fits, levels, 0).astype(np.uint16), int(np.count_nonzero(~fits))


def as_point_cloud(
    depth: NDArray[np.float32], image: NDArray[np.uint8], camera: Intrinsics
) -> bytes:
    """A coloured point for every pixel of finite depth, as binary PLY.

    `depth` is HxW metres along the optical axis, `image` HxWx3. Points are in metres as the camera
    sees them: x to the right, y down, z ahead.
    """
    there = np.isfinite(depth)
    height, width = depth.shape
    across = ((np.arange(width) - camera.cx) / camera.fx).astype(np.float32)
    down = ((np.arange(height) - camera.cy) / camera.fy).astype(np.float32)
    points = np.empty(np.count_nonzero(there), VERTEX)
    with np.errstate(invalid="ignore"):  # where there is no depth
        points["x"] = (depth * across)[there]
        points["y"] = (depth * down[:, None])[there]
    points["z"] = depth[there]
    for channel, name in enumerate(("red", "green", "blue")):
        points[name] = image[..., channel][there]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        "comment metres; x right, y down, z ahead",
        f"element vertex {len(points)}",
        *(f"property {PLY_TYPES[kind]} {name}" for name, kind in VERTEX),
        "end_header",
    ]
    return b"".join(["\n".join([*header, ""]).encode(), points.view(np.uint8).data])
