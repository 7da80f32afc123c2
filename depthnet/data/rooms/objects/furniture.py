"""Seats, beds and tables, each standing on the floor with its back at y = 0."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces import finishes
from depthnet.data.rooms.surfaces.materials import Material

Surface = tuple[float, float, float, float, float]
"""A level top to put things on: x from, x to, y from, y to, height."""


@dataclass
class Piece:
    """Furniture in its own frame: x along the wall, y away from it, z up, in metres."""

    width: float
    depth: float
    height: float
    solids: list[Solid] = field(default_factory=list)
    tops: list[Surface] = field(default_factory=list)

    def box(
        self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], of: Material
    ) -> None:
        """Add a box that reaches from the first to the second value on each axis."""
        self.solids.append(box(x, y, z, of))

    def legs(self, height: float, thick: float, of: Material) -> None:
        """Add four legs at the corners, from the floor to `height`."""
        for x in (-self.width / 2, self.width / 2 - thick):
            for y in (0.0, self.depth - thick):
                self.box((x, x + thick), (y, y + thick), (0, height), of)


def box(
    x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], of: Material
) -> Solid:
    """A box by its extents."""
    lows, highs = zip(x, y, z, strict=True)
    cx, cy, cz = ((a + b) / 2 for a, b in zip(lows, highs, strict=True))
    hx, hy, hz = ((b - a) / 2 for a, b in zip(lows, highs, strict=True))
    return Solid("box", (cx, cy, cz), (hx, hy, hz), of)


def sofa(rng: np.random.Generator, width: float | None = None) -> Piece:
    """A sofa, or an armchair when narrow: base, back, arms, cushions."""
    width = width or rng.uniform(1.4, 2.3)
    depth, seat, back = rng.uniform(0.8, 1.0), rng.uniform(0.36, 0.45), rng.uniform(0.7, 0.95)
    cloth, arm = finishes.fabric(rng), rng.uniform(0.12, 0.22)
    piece = Piece(width, depth, back)
    half = width / 2
    piece.box((-half, half), (0, depth), (0.06, seat - 0.14), cloth)
    piece.box((-half + arm, half - arm), (0, 0.22), (seat - 0.14, back), cloth)
    for side in (-half, half - arm):
        piece.box((side, side + arm), (0, depth), (0.06, seat + rng.uniform(0.1, 0.25)), cloth)
    count = max(1, round((width - 2 * arm) / 0.65))
    each = (width - 2 * arm) / count
    for number in range(count):
        x = -half + arm + number * each
        piece.box((x + 0.01, x + each - 0.01), (0.2, depth + 0.02), (seat - 0.14, seat), cloth)
        if rng.random() < 0.5:
            piece.solids.append(
                Solid("ellipsoid", (x + each / 2, 0.32, seat + 0.18), (0.22, 0.1, 0.2),
                      finishes.fabric(rng), yaw=rng.uniform(-0.3, 0.3))
            )  # fmt: skip
    return piece


def armchair(rng: np.random.Generator) -> Piece:
    """A sofa for one."""
    return sofa(rng, rng.uniform(0.75, 0.95))


def bed(rng: np.random.Generator) -> Piece:
    """A bed with its head at the wall: frame, mattress, blanket, headboard, pillows."""
    width, length = rng.uniform(0.95, 1.9), rng.uniform(1.9, 2.1)
    top = rng.uniform(0.42, 0.65)
    frame, sheet, cover = finishes.wood(rng), finishes.fabric(rng), finishes.fabric(rng)
    head = rng.uniform(0.75, 1.2)
    piece = Piece(width, length, head)
    half = width / 2
    piece.box((-half, half), (0, length), (0.08, top - 0.22), frame)
    piece.box((-half, half), (0, 0.06), (0.0, head), frame)
    piece.box((-half + 0.03, half - 0.03), (0.06, length - 0.04), (top - 0.22, top), sheet)
    fold = rng.uniform(0.5, 1.0)
    piece.box((-half - 0.02, half + 0.02), (fold, length + 0.01), (0.2, top + 0.04), cover)
    for x in (-half / 2, half / 2) if width > 1.3 else (0.0,):
        piece.solids.append(
            Solid("ellipsoid", (x, 0.3, top + 0.06), (0.31, 0.2, 0.1), finishes.fabric(rng))
        )
    piece.tops.append((-half, half, fold + 0.1, length - 0.1, top + 0.04))
    return piece


def table(
    rng: np.random.Generator,
    height: float | None = None,
    width: float | None = None,
    round_share: float = 0.2,
) -> Piece:
    """A table with four legs, or a round one on a stem."""
    height = height or rng.uniform(0.68, 0.78)
    width = width or rng.uniform(0.8, 1.8)
    depth = min(width, rng.uniform(0.6, 0.95))
    of, thick = finishes.board(rng), rng.uniform(0.02, 0.05)
    if rng.random() < round_share:
        radius = depth / 2 + 0.1
        piece = Piece(2 * radius, 2 * radius, height)
        piece.solids += [
            Solid("cylinder", (0, radius, height - thick / 2), (radius, radius, thick / 2), of),
            Solid("cylinder", (0, radius, height / 2), (0.05, 0.05, height / 2 - thick), of),
            Solid("cylinder", (0, radius, 0.02), (radius / 2, radius / 2, 0.02), of),
        ]
        inner = radius * 0.6
        piece.tops.append((-inner, inner, radius - inner, radius + inner, height))
        return piece
    piece = Piece(width, depth, height)
    piece.box((-width / 2, width / 2), (0, depth), (height - thick, height), of)
    piece.legs(height - thick, rng.uniform(0.035, 0.08), of)
    piece.tops.append((-width / 2, width / 2, 0, depth, height))
    return piece


def coffee_table(rng: np.random.Generator) -> Piece:
    """A low table."""
    return table(rng, rng.uniform(0.35, 0.5), rng.uniform(0.6, 1.2))


def chair(rng: np.random.Generator) -> Piece:
    """A chair with four legs and a back of one board or of slats."""
    width, depth, seat = rng.uniform(0.4, 0.5), rng.uniform(0.4, 0.5), rng.uniform(0.42, 0.48)
    top = rng.uniform(0.8, 1.05)
    frame = finishes.board(rng) if rng.random() < 0.7 else finishes.metal(rng)
    cloth = finishes.fabric(rng) if rng.random() < 0.5 else frame
    piece = Piece(width, depth, top)
    piece.legs(seat - 0.04, 0.035, frame)
    piece.box((-width / 2, width / 2), (0, depth), (seat - 0.04, seat), cloth)
    for x in (-width / 2, width / 2 - 0.035):
        piece.box((x, x + 0.035), (0, 0.035), (seat, top), frame)
    if rng.random() < 0.5:
        piece.box((-width / 2, width / 2), (0, 0.03), (seat + 0.12, top), cloth)
    else:
        for z in np.linspace(seat + 0.15, top - 0.04, 3):
            piece.box((-width / 2, width / 2), (0.005, 0.025), (z - 0.03, z + 0.03), frame)
    return piece


def desk(rng: np.random.Generator) -> Piece:
    """A desk with drawers at one side and often a screen on it."""
    piece = table(rng, rng.uniform(0.7, 0.76), rng.uniform(1.0, 1.7), round_share=0)
    of = finishes.board(rng)
    side = piece.width / 2 - 0.42
    piece.box((side, side + 0.4), (0.05, piece.depth - 0.03), (0.05, piece.height - 0.06), of)
    if rng.random() < 0.6:
        screen = finishes.Material("plain", (0.015, 0.015, 0.02), gloss=0.8)
        z, x = piece.height, rng.uniform(-0.3, 0.1)
        piece.box((x - 0.28, x + 0.28), (0.15, 0.19), (z + 0.1, z + 0.45), screen)
        piece.box((x - 0.04, x + 0.04), (0.12, 0.15), (z, z + 0.3), finishes.metal(rng))
        piece.box((x - 0.22, x + 0.22), (0.4, 0.53), (z, z + 0.025), finishes.metal(rng))
    return piece
