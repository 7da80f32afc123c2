"""Where furniture can stand: against walls or free, never in each other or in the camera."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from depthnet.data.rooms.objects.furniture import Piece, Surface
from depthnet.data.rooms.solids import Solid

Extent = tuple[float, float, float, float, float, float]
"""x from, x to, y from, y to, z from, z to."""

KEEP_OUT = 0.64
"""Metres around the camera that stay free, so that nothing in view is nearer than 0.4 m."""

TALL, KEEP_OUT_TALL = 1.2, 1.0
TRIES = 8


class Layout:
    """A room of a size, what stands in it so far, and the level tops that it offers."""

    def __init__(self, size: tuple[float, float, float], eye: tuple[float, float]) -> None:
        self.size = size
        self.eye = eye
        self.solids: list[Solid] = []
        self.tops: list[tuple[Surface, tuple[float, float, float]]] = []
        self._taken: list[Extent] = []

    def against_wall(
        self, rng: np.random.Generator, piece: Piece, foot: float = 0.0, walls: str = "nesw"
    ) -> tuple[float, float] | None:
        """Put a piece with its back at a random wall; where, or None when no try fits.

        `foot`: the height below which the piece leaves room for others. `walls`: n at the far
        end of y, s at its start, e and w at the ends of x.
        """
        width, length, _ = self.size
        for _ in range(TRIES):
            wall = walls[rng.integers(len(walls))]
            reach = width if wall in "ns" else length
            if reach < piece.width + 0.05:
                continue
            along = rng.uniform(piece.width / 2, reach - piece.width / 2)
            x, y, yaw = {
                "n": (along, length, pi),
                "s": (along, 0.0, 0.0),
                "e": (width, along, pi / 2),
                "w": (0.0, along, -pi / 2),
            }[wall]
            if self.put(piece, x, y, yaw, foot):
                return x, y
        return None

    def anywhere(self, rng: np.random.Generator, piece: Piece) -> tuple[float, float] | None:
        """Put a piece on the open floor, mostly square to the walls; where, or None."""
        for _ in range(TRIES):
            x, y = rng.uniform(0.3, self.size[0] - 0.3), rng.uniform(0.3, self.size[1] - 0.3)
            turned = rng.uniform(-pi, pi) if rng.random() < 0.4 else rng.integers(4) * pi / 2
            if self.put(piece, x, y, float(turned)):
                return x, y
        return None

    def put(self, piece: Piece, x: float, y: float, yaw: float, foot: float = 0.0) -> bool:
        """Put a piece with the middle of its back at (x, y) if it fits there."""
        extent = _extent(piece, x, y, yaw, foot)
        if not self._free(extent, piece.height):
            return False
        self._taken.append(extent)
        self.solids += [solid.moved(x, y, 0.0, yaw) for solid in piece.solids]
        self.tops += [(top, (x, y, yaw)) for top in piece.tops]
        return True

    def _free(self, extent: Extent, height: float) -> bool:
        x0, x1, y0, y1, z0, z1 = extent
        slack = 0.01
        if x0 < -slack or y0 < -slack or x1 > self.size[0] + slack or y1 > self.size[1] + slack:
            return False
        if z1 > self.size[2]:
            return False
        dx = max(x0 - self.eye[0], 0, self.eye[0] - x1)
        dy = max(y0 - self.eye[1], 0, self.eye[1] - y1)
        if dx * dx + dy * dy < (KEEP_OUT_TALL if height > TALL else KEEP_OUT) ** 2:
            return False
        return not any(
            x0 < b1 and b0 < x1 and y0 < b3 and b2 < y1 and z0 < b5 and b4 < z1
            for b0, b1, b2, b3, b4, b5 in self._taken
        )


def _extent(piece: Piece, x: float, y: float, yaw: float, foot: float) -> Extent:
    c, s = cos(yaw), sin(yaw)
    xs, ys = zip(
        *(
            (c * px - s * py, s * px + c * py)
            for px in (-piece.width / 2, piece.width / 2)
            for py in (0.0, piece.depth)
        ),
        strict=True,
    )
    return x + min(xs), x + max(xs), y + min(ys), y + max(ys), foot, piece.height
