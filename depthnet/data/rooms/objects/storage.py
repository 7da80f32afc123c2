"""Shelves, cupboards, kitchens and the like, standing with their backs at y = 0."""

from __future__ import annotations

import numpy as np

from depthnet.data.rooms.objects.furniture import Piece
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces import finishes
from depthnet.data.rooms.surfaces.materials import Material


def bookshelf(rng: np.random.Generator) -> Piece:
    """Open shelves, filled with rows of books, boxes, or nothing."""
    width, depth, height = rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.38), rng.uniform(1.0, 2.1)
    of = finishes.board(rng)
    piece = Piece(width, depth, height)
    half, thick = width / 2, 0.025
    piece.box((-half, half), (0, 0.015), (0, height), of)
    for x in (-half, half - thick):
        piece.box((x, x + thick), (0, depth), (0, height), of)
    levels = np.linspace(0.06, height - thick, max(3, round(height / 0.36)))
    for number, z in enumerate(levels):
        piece.box((-half, half), (0, depth), (z, z + thick), of)
        if number + 1 < len(levels):
            _fill(rng, piece, z + thick, levels[number + 1] - z - thick)
    piece.tops.append((-half, half, 0.02, depth, height))
    return piece


def _fill(rng: np.random.Generator, piece: Piece, floor: float, room: float) -> None:
    # One to three rows of books or boxes on a shelf, not to its full height or width.
    x, end = -piece.width / 2 + 0.03, piece.width / 2 - 0.03
    while x < end - 0.1:
        to = min(x + rng.uniform(0.12, 0.7), end)
        of = finishes.book_row(rng) if rng.random() < 0.7 else finishes.painted(rng)
        if rng.random() < 0.75:
            front = piece.depth - rng.uniform(0.02, 0.1)
            piece.box((x, to), (0.02, front), (floor, floor + room * rng.uniform(0.5, 0.95)), of)
        x = to + rng.uniform(0.0, 0.15)


def cupboard(
    rng: np.random.Generator,
    width: float | None = None,
    height: float | None = None,
    depth: float | None = None,
) -> Piece:
    """A closed body with doors or drawers that stand out a little, and knobs."""
    width = width or rng.uniform(0.7, 1.8)
    height = height or rng.uniform(0.7, 2.1)
    depth = depth or rng.uniform(0.38, 0.6)
    of, knob = finishes.board(rng), finishes.metal(rng)
    front = of if rng.random() < 0.7 else finishes.board(rng)
    piece = Piece(width, depth, height)
    body = depth - 0.02
    piece.box((-width / 2, width / 2), (0, body), (0, height), of)
    across = max(1, round(width / rng.uniform(0.4, 0.6)))
    up = 1 if height > 1.3 or rng.random() < 0.4 else int(rng.integers(2, 5))
    wide, tall = width / across, (height - 0.08) / up
    for i in range(across):
        for j in range(up):
            x, z = -width / 2 + i * wide, 0.06 + j * tall
            piece.box((x + 0.012, x + wide - 0.012), (body, depth), (z + 0.012, z + tall), front)
            at = x + (wide / 2 if up > 1 else wide - 0.07 if i % 2 == 0 else 0.07)
            piece.solids.append(
                Solid("ellipsoid", (at, depth + 0.01, z + tall / 2), (0.018, 0.018, 0.018), knob)
            )
    piece.tops.append((-width / 2, width / 2, 0, depth, height))
    return piece


def nightstand(rng: np.random.Generator) -> Piece:
    """A small cupboard with a lamp on it."""
    piece = cupboard(rng, rng.uniform(0.4, 0.55), rng.uniform(0.45, 0.65), rng.uniform(0.35, 0.45))
    piece.tops.clear()
    piece.solids += lamp(rng, 0.0, piece.depth / 2, piece.height, rng.uniform(0.35, 0.5))
    return piece


def television(rng: np.random.Generator) -> Piece:
    """A low cupboard with a flat screen."""
    piece = cupboard(rng, rng.uniform(1.0, 1.8), rng.uniform(0.4, 0.6), rng.uniform(0.4, 0.5))
    half, z = rng.uniform(0.4, 0.65), piece.height
    black = Material("plain", (0.012, 0.012, 0.014), gloss=0.9)
    piece.box((-half, half), (0.16, 0.21), (z + 0.06, z + 0.06 + half * 1.15), black)
    piece.box((-0.15, 0.15), (0.1, 0.28), (z, z + 0.02), black)
    piece.box((-0.04, 0.04), (0.17, 0.2), (z, z + 0.1), black)
    piece.tops.clear()
    return piece


def kitchen(rng: np.random.Generator) -> Piece:
    """A run of base units with a worktop, wall units above, and a splashback."""
    width, depth = rng.uniform(1.4, 2.8), 0.6
    base = cupboard(rng, width, 0.86, depth)
    stone = Material(
        "marble" if rng.random() < 0.5 else "speckle", finishes.colour(rng, (0, 0.2), (0.1, 0.7)),
        finishes.colour(rng, (0, 0.2), (0.1, 0.5)), offset=rng.random(), gloss=0.5,
    )  # fmt: skip
    piece = Piece(width, depth + 0.03, 2.15, list(base.solids))
    piece.box((-width / 2, width / 2), (0, depth + 0.03), (0.86, 0.9), stone)
    piece.box((-width / 2, width / 2), (0, 0.015), (0.9, 1.4), finishes.plaster(rng))
    from_x = rng.uniform(-width / 2, 0)
    upper = cupboard(rng, width / 2 - from_x, 0.7, 0.34)
    shift = (from_x + width / 2) / 2
    piece.solids += [solid.moved(shift, 0.0, 1.42) for solid in upper.solids]
    piece.tops.append((-width / 2, width / 2, 0.05, depth, 0.9))
    return piece


def appliance(rng: np.random.Generator) -> Piece:
    """A refrigerator, or lower, a cooker or washing machine."""
    tall = rng.random() < 0.6
    width, depth = 0.6, rng.uniform(0.6, 0.7)
    height = rng.uniform(1.5, 1.85) if tall else 0.87
    level = rng.uniform(0.25, 0.8)
    of = Material("plain", (level, level, level), offset=rng.random(), gloss=0.5)
    piece = Piece(width, depth, height)
    piece.box((-0.3, 0.3), (0, depth - 0.03), (0.02, height), of)
    split = height * rng.uniform(0.3, 0.6)
    for low, high in ((0.05, split), (split + 0.01, height)):
        piece.box((-0.295, 0.295), (depth - 0.03, depth), (low, high), of)
        piece.box((0.22, 0.24), (depth, depth + 0.03), (high - 0.3 * (high - low), high - 0.04),
                  finishes.metal(rng))  # fmt: skip
    piece.tops.append((-0.3, 0.3, 0.05, depth - 0.05, height))
    return piece


def lamp(rng: np.random.Generator, x: float, y: float, floor: float, height: float) -> list[Solid]:
    """A foot, a stem and a shade that glows."""
    glow = Material("plain", (0.85, 0.75, 0.55), glow=rng.uniform(0.4, 1.6))
    of, radius = finishes.metal(rng), rng.uniform(0.1, 0.18)
    shade = min(0.28, height * 0.45)
    return [
        Solid("cylinder", (x, y, floor + 0.012), (radius * 0.7, radius * 0.7, 0.012), of),
        Solid("cylinder", (x, y, floor + height / 2), (0.012, 0.012, height / 2), of),
        Solid("cylinder", (x, y, floor + height - shade / 2), (radius, radius, shade / 2), glow),
    ]


def floor_lamp(rng: np.random.Generator) -> Piece:
    """A lamp as tall as a person."""
    height = rng.uniform(1.4, 1.8)
    return Piece(0.36, 0.36, height, lamp(rng, 0.0, 0.18, 0.0, height))


def plant(rng: np.random.Generator) -> Piece:
    """A pot with foliage."""
    height, pot = rng.uniform(0.5, 1.6), rng.uniform(0.1, 0.18)
    leaf = Material(
        "speckle", (0.05, rng.uniform(0.12, 0.3), 0.04), (0.02, 0.05, 0.02), offset=rng.random()
    )
    piece = Piece(0.5, 0.5, height)
    piece.solids.append(Solid("cylinder", (0, 0.25, pot), (pot, pot, pot), finishes.painted(rng)))
    for _ in range(rng.integers(4, 9)):
        x, y = rng.uniform(-0.15, 0.15, 2)
        z = rng.uniform(2 * pot + 0.05, height - 0.05)
        half = tuple(rng.uniform(0.06, 0.16, 3))
        piece.solids.append(Solid("ellipsoid", (x, 0.25 + y, z), half, leaf, yaw=rng.uniform(0, 3)))
    piece.solids.append(
        Solid("cylinder", (0, 0.25, height / 2), (0.012, 0.012, height / 2 - 0.05), leaf)
    )
    return piece
