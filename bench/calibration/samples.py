"""What a model gives at the measured points, and the distances as it should see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.calibration.points import Point
from bench.prediction.intrinsics import Intrinsics, relative_focal
from depthbench import cancellation
from depthbench.errors import InputError
from depthnet.data.photo import Photo, read_photo

AROUND = 0.01
"""Of the picture's diagonal: how far around a point it is looked for a depth edge."""

SAY_FOCAL = "give --fov DEGREES or --intrinsics FX FY CX CY"

PredictImage = Callable[[NDArray[np.uint8], str], NDArray[np.float32]]
"""An image HxWx3 and what it is called, to the model's map, HxW."""

CameraOf = Callable[[Photo], Intrinsics | None]


@dataclass(frozen=True)
class Sample:
    """A point, what the model gives there, and the least and most that it gives around it.

    `metres` is the distance along the camera's axis; `focal` as of `Card.calibration`.
    """

    point: Point
    value: float
    least: float
    most: float
    metres: float
    focal: float | None


def take_samples(
    points: Sequence[Point], predict: PredictImage, camera_of: CameraOf, *, along_ray: bool
) -> list[Sample]:
    """Predict every picture once and look at its points, in their order.

    `along_ray`: whether distances were measured from the camera to the point, and not from the
    camera's plane. Raises InputError for points outside their picture, and where a camera must be
    known and is not; else what reading and predicting raise.
    """
    found: dict[Point, Sample] = {}
    for picture in dict.fromkeys(point.picture for point in points):
        cancellation.check()
        photo = read_photo(picture)
        mine = [point for point in points if point.picture == picture]
        size = photo.image.shape[:2]
        for point in mine:
            _check_inside(point, size)
        camera = camera_of(photo)
        distances = [_metres(point, camera, along_ray) for point in mine]
        values = predict(photo.image, f"the prediction for {picture}")
        for point, metres in zip(mine, distances, strict=True):
            value, least, most = _look(point, values)
            focal = relative_focal(camera, size) if camera else None
            found[point] = Sample(point, value, least, most, metres, focal)
    return [found[point] for point in points]


def _check_inside(point: Point, size: tuple[int, ...]) -> None:
    height, width = size
    right = point.x if point.right is None else point.right
    bottom = point.y if point.bottom is None else point.bottom
    if not (
        point.x >= -0.5 and right <= width - 0.5 and point.y >= -0.5 and bottom <= height - 0.5
    ):
        raise InputError(
            f"{point.where}: outside the picture {point.picture}, which is {width} wide and "
            f"{height} high",
            advice="pixels count from 0 at the top left of the upright picture",
        )


def _metres(point: Point, camera: Intrinsics | None, along_ray: bool) -> float:
    if point.of_object:
        if camera is None:
            raise InputError(
                f"{point.where}: the focal length of {point.picture} is not known: its EXIF does "
                "not say",
                advice=SAY_FOCAL,
            )
        if point.width is not None:
            return camera.fx * point.width / ((point.right or 0) - point.x)
        return camera.fy * (point.height or 0) / ((point.bottom or 0) - point.y)
    metres = point.metres or 0
    if not along_ray:
        return metres
    if camera is None:
        raise InputError(
            f"--ray: the focal length of {point.picture} is not known: its EXIF does not say",
            advice=SAY_FOCAL,
        )
    return metres / float(np.hypot(1, np.hypot(*_direction(point, camera))))


def _direction(point: Point, camera: Intrinsics) -> tuple[float, float]:
    """How far to the side and down its middle lies at a distance of 1."""
    x, y = _middle(point)
    return (x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy


def _middle(point: Point) -> tuple[float, float]:
    if point.right is None or point.bottom is None:
        return point.x, point.y
    return (point.x + point.right) / 2, (point.y + point.bottom) / 2


def _look(point: Point, values: NDArray[np.float32]) -> tuple[float, float, float]:
    """The value at a point, between pixels linear, or the median of a box; least and most."""
    from scipy.ndimage import map_coordinates

    height, width = values.shape
    if point.right is None or point.bottom is None:
        at = map_coordinates(values, [[point.y], [point.x]], order=1, mode="nearest")
        value = float(at[0])
        x, y = round(point.x), round(point.y)
        reach = max(1, round(AROUND * float(np.hypot(height, width))))
        around = values[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        return value, float(around.min()), float(around.max())
    rows = slice(max(round(point.y), 0), round(point.bottom) + 1)
    inside = values[rows, max(round(point.x), 0) : round(point.right) + 1]
    least, most = np.percentile(inside, [25, 75])
    return float(np.median(inside)), float(least), float(most)


def pictures_of(points: Sequence[Point]) -> list[Path]:
    """The pictures that points lie in, each once."""
    return list(dict.fromkeys(point.picture for point in points))
