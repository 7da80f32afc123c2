"""What hangs on walls, floors and ceilings: windows, doors, pictures, rugs, lamps."""

from __future__ import annotations

import numpy as np

from depthnet.data.rooms.objects.furniture import Piece
from depthnet.data.rooms.solids import Shape, Solid
from depthnet.data.rooms.surfaces import finishes
from depthnet.data.rooms.surfaces.materials import Material


def window(rng: np.random.Generator) -> Piece:
    """A bright window with a frame, a sill and often curtains."""
    width, low, high = rng.uniform(0.8, 1.8), rng.uniform(0.6, 1.0), rng.uniform(1.8, 2.1)
    frame = finishes.painted(rng)
    sky = Material(
        "window", (0.5, 0.5, 0.5), (0.75, 0.88, 1.0), offset=rng.random(),
        glow=rng.uniform(0.2, 1.5),
    )  # fmt: skip
    piece = Piece(width + 0.4, 0.15, high)
    half = width / 2
    piece.box((-half, half), (0, 0.01), (low, high), sky)
    piece.box((-half - 0.05, half + 0.05), (0, 0.12), (low - 0.04, low), frame)
    piece.box((-half - 0.05, half + 0.05), (0, 0.03), (high, high + 0.06), frame)
    for x in (-half - 0.05, half):
        piece.box((x, x + 0.05), (0, 0.03), (low, high), frame)
    if rng.random() < 0.55:
        cloth, reach = finishes.fabric(rng), rng.uniform(0.15, 0.3)
        bottom = 0.03 if rng.random() < 0.6 else low - 0.1
        for x in (-half - 0.15, half + 0.15 - reach):
            folds = max(3, round(reach / 0.05))
            for fold in range(folds):
                at = x + (fold + 0.5) * reach / folds
                piece.solids.append(
                    Solid("cylinder", (at, 0.09, (bottom + high + 0.1) / 2),
                          (0.6 * reach / folds, 0.05, (high + 0.1 - bottom) / 2), cloth)
                )  # fmt: skip
    return piece


def door(rng: np.random.Generator) -> Piece:
    """A closed door: leaf, panels, frame, handle."""
    leaf, frame = finishes.board(rng), finishes.painted(rng)
    piece = Piece(1.0, 0.08, 2.1)
    piece.box((-0.41, 0.41), (0, 0.03), (0, 2.0), leaf)
    for low, high in ((0.2, 0.9), (1.05, 1.85)):
        piece.box((-0.28, 0.28), (0.03, 0.04), (low, high), leaf)
    for x in (-0.49, 0.41):
        piece.box((x, x + 0.08), (0, 0.05), (0, 2.08), frame)
    piece.box((-0.41, 0.41), (0, 0.05), (2.0, 2.08), frame)
    piece.box((0.28, 0.38), (0.03, 0.08), (0.98, 1.02), finishes.metal(rng))
    return piece


def picture(rng: np.random.Generator) -> Piece:
    """One framed picture, or a few side by side."""
    count = int(rng.choice([1, 1, 1, 2, 3]))
    half_w, half_h = rng.uniform(0.12, 0.5 / count), rng.uniform(0.12, 0.4)
    middle, gap = rng.uniform(1.4, 1.7), rng.uniform(0.05, 0.15)
    frame = finishes.board(rng)
    step = 2 * half_w + gap
    piece = Piece(step * count, 0.04, middle + half_h)
    for number in range(count):
        x = (number - (count - 1) / 2) * step
        z = middle
        piece.box((x - half_w, x + half_w), (0, 0.025), (z - half_h, z + half_h), frame)
        inner_w, inner_h = half_w - 0.02, half_h - 0.02
        piece.box((x - inner_w, x + inner_w), (0.02, 0.03), (z - inner_h, z + inner_h),
                  finishes.picture(rng))  # fmt: skip
    return piece


def rug(rng: np.random.Generator, width: float, depth: float) -> list[Solid]:
    """A rug around the origin, a centimetre thick."""
    of = Material(
        "rug", finishes.colour(rng, (0.1, 0.7), (0.05, 0.5)),
        finishes.colour(rng, (0.1, 0.6), (0.1, 0.6)), offset=rng.random(),
    )  # fmt: skip
    shape: Shape = "cylinder" if rng.random() < 0.15 else "box"
    return [Solid(shape, (0, 0, 0.006), (width / 2, depth / 2, 0.006), of)]


def ceiling_lamp(rng: np.random.Generator, x: float, y: float, ceiling: float) -> list[Solid]:
    """A globe, a drum or a panel at the ceiling, bright."""
    glow = Material("plain", (1.0, 0.93, 0.8), glow=rng.uniform(1.5, 4.0))
    kind = rng.integers(3)
    if kind == 0:
        drop, r = rng.uniform(0.2, 0.5), rng.uniform(0.1, 0.18)
        cord = Solid("cylinder", (x, y, ceiling - drop / 2), (0.008, 0.008, drop / 2),
                     finishes.metal(rng))  # fmt: skip
        return [cord, Solid("ellipsoid", (x, y, ceiling - drop), (r, r, r), glow)]
    if kind == 1:
        r = rng.uniform(0.15, 0.28)
        return [Solid("cylinder", (x, y, ceiling - 0.05), (r, r, 0.05), glow)]
    half = (rng.uniform(0.25, 0.6), rng.uniform(0.08, 0.3), 0.015)
    return [Solid("box", (x, y, ceiling - 0.015), half, glow)]


def skirting(size: tuple[float, float, float], of: Material, height: float = 0.09) -> list[Solid]:
    """Boards along the foot of the four walls of a room of `size`."""
    width, length, _ = size
    half, thin = height / 2, 0.006
    return [
        Solid("box", (width / 2, thin, half), (width / 2, thin, half), of),
        Solid("box", (width / 2, length - thin, half), (width / 2, thin, half), of),
        Solid("box", (thin, length / 2, half), (thin, length / 2, half), of),
        Solid("box", (width - thin, length / 2, half), (thin, length / 2, half), of),
    ]
