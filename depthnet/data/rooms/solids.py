"""Boxes, ellipsoids and upright cylinders, and where a ray enters and leaves them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthnet.data.rooms.surfaces.materials import Material

Rays = tuple[NDArray, NDArray, NDArray]
Interval = tuple[NDArray, NDArray]
Triple = tuple[float, float, float]
Shape = Literal["box", "ellipsoid", "cylinder"]

NEARLY_PARALLEL = 1e-30


@dataclass(frozen=True)
class Solid:
    """A convex solid: its shape fills the cube [-1, 1]^3, scaled by `half`, turned, moved.

    `half`: half its extents in metres; `yaw`: radians about the vertical.
    """

    shape: Shape
    centre: Triple
    half: Triple
    material: Material
    yaw: float = 0.0

    def moved(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Solid:
        """The solid turned about the vertical axis through the origin, then shifted."""
        c, s = cos(yaw), sin(yaw)
        cx, cy, cz = self.centre
        centre = (x + c * cx - s * cy, y + s * cx + c * cy, z + cz)
        return replace(self, centre=centre, yaw=self.yaw + yaw)

    def to_unit(self, vector: NDArray) -> NDArray:
        """A direction in the room as one in the solid's own frame, where it fills the cube."""
        c, s = cos(self.yaw), sin(self.yaw)
        x, y, z = vector
        return np.array([c * x + s * y, c * y - s * x, z]) / self.half

    def corners(self) -> NDArray[np.float64]:
        """The 8 corners of its bounding box in the room, 8x3."""
        c, s = cos(self.yaw), sin(self.yaw)
        x, y, z = (SIGNS * self.half).T
        return np.stack([c * x - s * y, s * x + c * y, z], axis=1) + self.centre


SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)


def interval(shape: Shape, origin: NDArray, rays: Rays) -> Interval:
    """Where rays enter and leave a unit solid, as factors along them; enter > leave: a miss.

    `origin`: 3 values; `rays`: the x, y and z of the directions, any broadcastable shapes. All
    in the solid's own frame; the factors are the same in every frame.
    """
    if shape == "ellipsoid":
        return _quadric(origin, rays)
    if shape == "cylinder":
        return _both(_quadric(origin[:2], rays[:2]), _slab(origin[2], rays[2]))
    x, y, z = (_slab(o, d) for o, d in zip(origin, rays, strict=True))
    return _both(_both(x, y), z)


def _slab(origin: float, rays: NDArray) -> Interval:
    # A ray parallel to the slab divides by zero: infinities say rightly whether it is inside,
    # and one that runs in a face gives NaN, which compares as a miss.
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / rays
        a, b = (-1 - origin) * inverse, (1 - origin) * inverse
    return np.minimum(a, b), np.maximum(a, b)


def _quadric(origin: NDArray, rays: tuple[NDArray, ...]) -> Interval:
    a = sum(d * d for d in rays)
    a = np.maximum(a, NEARLY_PARALLEL)
    half_b = sum(o * d for o, d in zip(origin, rays, strict=True))
    c = sum(float(o) * float(o) for o in origin) - 1
    discriminant = half_b * half_b - a * c
    root = np.sqrt(np.maximum(discriminant, 0))
    hit = discriminant >= 0
    return (
        np.where(hit, (-half_b - root) / a, np.inf),
        np.where(hit, (-half_b + root) / a, -np.inf),
    )


def _both(one: Interval, other: Interval) -> Interval:
    return np.maximum(one[0], other[0]), np.minimum(one[1], other[1])
