"""A pinhole camera in a room whose z axis points up."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

NYU_FOCAL = (518.857901, 519.469611)
NYU_CENTRE = (325.582449, 253.736166)
NYU_SIZE = (480, 640)
"""Colour camera of the NYU Depth v2 toolbox, in pixels, with the 1-pixel MATLAB origin."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A position, three unit axes (right, down, forward) and the intrinsics in pixels.

    A ray through pixel (column u, row v) is `forward + x right + y down` with `x = (u - cx)/fx`
    and `y = (v - cy)/fy`; so the factor along it is the depth: the distance along the optical
    axis.
    """

    position: Vector
    right: Vector
    down: Vector
    forward: Vector
    size: tuple[int, int]
    focal: tuple[float, float]
    centre: tuple[float, float]

    def columns(self) -> Vector:
        """x of every column, W values."""
        return (np.arange(self.size[1], dtype=np.float64) - self.centre[0]) / self.focal[0]

    def rows(self) -> Vector:
        """y of every row, H values."""
        return (np.arange(self.size[0], dtype=np.float64) - self.centre[1]) / self.focal[1]


def dot(a: NDArray, b: NDArray) -> NDArray:
    """Inner product over a last axis of three, in a fixed order on every machine."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def nyu_camera(
    position: Vector,
    heading: float,
    pitch: float,
    roll: float,
    size: tuple[int, int] = NYU_SIZE,
) -> Camera:
    """A camera with the field of view of NYU's, at any size (height, width).

    `heading`: radians from the x axis, anticlockwise seen from above; `pitch`: radians upwards;
    `roll`: radians, clockwise about the optical axis.
    """
    forward = np.array([cos(pitch) * cos(heading), cos(pitch) * sin(heading), sin(pitch)])
    level = np.array([sin(heading), -cos(heading), 0.0])
    below = np.array([sin(pitch) * cos(heading), sin(pitch) * sin(heading), -cos(pitch)])
    right = cos(roll) * level + sin(roll) * below
    down = cos(roll) * below - sin(roll) * level
    scale_y, scale_x = size[0] / NYU_SIZE[0], size[1] / NYU_SIZE[1]
    # Pixel centres are at whole numbers here, so sizes scale about -0.5; MATLAB counts from 1.
    return Camera(
        position,
        right,
        down,
        forward,
        size,
        focal=(NYU_FOCAL[0] * scale_x, NYU_FOCAL[1] * scale_y),
        centre=((NYU_CENTRE[0] - 0.5) * scale_x - 0.5, (NYU_CENTRE[1] - 0.5) * scale_y - 0.5),
    )


def downward_camera(position: Vector, pixels: int, half_angle_tangent: float) -> Camera:
    """A square camera that looks straight down: where the light of a ceiling lamp falls."""
    focal = pixels / 2 / half_angle_tangent
    middle = (pixels - 1) / 2
    return Camera(
        position,
        right=np.array([1.0, 0.0, 0.0]),
        down=np.array([0.0, -1.0, 0.0]),
        forward=np.array([0.0, 0.0, -1.0]),
        size=(pixels, pixels),
        focal=(focal, focal),
        centre=(middle, middle),
    )
