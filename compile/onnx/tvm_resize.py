"""How TVM resizes an axis, and which of its ways gives wanted weights.

TVM takes the ratio of the sizes for the scale, divides by zero where corners are aligned and the
result is one pixel wide, and knows neither antialiasing nor some coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

_COORDINATES = ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
_ROUNDINGS = ("floor", "round_prefer_floor", "round_prefer_ceil", "ceil")
_DEFAULTS = {
    "mode": "nearest",
    "coordinate_transformation_mode": "half_pixel",
    "nearest_mode": "round_prefer_floor",
    "cubic_coeff_a": -0.75,
}
# TVM moves a coordinate by as much before it is rounded down or up.
_EPSILON = 1e-5


def equivalent(
    attributes: Mapping[str, Any], matrices: Iterable[np.ndarray]
) -> dict[str, Any] | None:
    """The attributes of a Resize that TVM computes by `matrices`; None where there are none.

    `attributes` are those of the ONNX node; its own way is tried first.
    """
    matrices = list(matrices)
    for way in _ways({**_DEFAULTS, **attributes}):
        if all(_close(tvm_weights(way, *matrix.shape), matrix, way) for matrix in matrices):
            return way
    return None


def tvm_weights(way: Mapping[str, Any], after: int, before: int) -> np.ndarray:
    """The matrix [after, before] that TVM multiplies an axis by; after topi/image/resize.py."""
    place = _coordinates(way["coordinate_transformation_mode"], after, before)
    if not np.isfinite(place).all():
        return np.full((after, before), np.nan, np.float32)
    if way["mode"] == "nearest":
        taps, factors = _nearest(place, way["nearest_mode"])[:, None], np.ones((after, 1))
    else:
        low = np.floor(place)
        t = (place - low)[:, None]
        if way["mode"] == "linear":
            taps, factors = low[:, None] + [0, 1], np.concatenate([1 - t, t], axis=1)
        else:
            taps, factors = low[:, None] + [-1, 0, 1, 2], _cubic(t, way["cubic_coeff_a"])
    matrix = np.zeros((after, before), np.float32)
    inside = np.clip(taps, 0, before - 1).astype(np.int64)
    np.add.at(matrix, (np.arange(after)[:, None], inside), factors)
    return matrix


def _ways(own: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    first = own["coordinate_transformation_mode"]
    coordinates = sorted(_COORDINATES, key=lambda one: one != first)
    nearest = own["mode"] == "nearest"
    roundings = sorted(_ROUNDINGS, key=lambda one: one != own["nearest_mode"])
    for coordinate in coordinates:
        way = {"mode": own["mode"], "coordinate_transformation_mode": coordinate}
        if own["mode"] == "cubic":
            way["cubic_coeff_a"] = own["cubic_coeff_a"]
        for rounding in roundings if nearest else roundings[:1]:
            yield {**way, "nearest_mode": rounding} if nearest else way


def _coordinates(mode: str, after: int, before: int) -> np.ndarray:
    x, one = np.arange(after, dtype=np.float32), np.float32(1)
    scale = np.float32(before) / np.float32(after)
    if mode == "asymmetric":
        return scale * x
    if mode == "align_corners":
        if after == 1:
            return np.full(1, np.nan, np.float32)
        return np.float32(before - 1) / np.float32(after - 1) * x
    if mode == "pytorch_half_pixel" and after == 1:
        return np.zeros(1, np.float32)
    return (x + one / 2) * scale - one / 2


def _nearest(place: np.ndarray, rounding: str) -> np.ndarray:
    rounded = {
        "floor": lambda x: np.floor(x + np.float32(_EPSILON)),
        "ceil": lambda x: np.ceil(x - np.float32(_EPSILON)),
        "round_prefer_floor": lambda x: np.ceil(x - np.float32(0.5)),
        "round_prefer_ceil": lambda x: np.floor(x + np.float32(0.5)),
    }
    return np.asarray(rounded[rounding](place))


def _cubic(t: np.ndarray, a: float) -> np.ndarray:
    return np.concatenate(
        [
            a * (t**3 - 2 * t**2 + t),
            (a + 2) * t**3 - (3 + a) * t**2 + 1,
            -(a + 2) * t**3 + (3 + 2 * a) * t**2 - a * t,
            -a * t**3 + a * t**2,
        ],
        axis=1,
    )


def _close(tvm: np.ndarray, wanted: np.ndarray, way: Mapping[str, Any]) -> bool:
    """Equal, but for what single precision loses of a coordinate."""
    if way["mode"] == "nearest":
        return np.array_equal(tvm, wanted)
    return bool((np.abs(tvm - wanted) <= 1e-6 + 4e-7 * max(wanted.shape)).all())
