"""Small things that lie on tops and floors."""

from __future__ import annotations

import numpy as np

from depthnet.data.rooms.objects.furniture import Surface, box
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces import finishes


def on_top(rng: np.random.Generator, top: Surface, crowding: float) -> list[Solid]:
    """Things on a level surface, about `crowding` of them a square metre, none overhanging."""
    x0, x1, y0, y1, z = top
    solids: list[Solid] = []
    taken: list[tuple[float, float, float]] = []
    for _ in range(rng.poisson(crowding * (x1 - x0) * (y1 - y0))):
        thing, radius = _thing(rng)
        if x1 - x0 <= 2 * radius or y1 - y0 <= 2 * radius:
            continue
        x, y = rng.uniform(x0 + radius, x1 - radius), rng.uniform(y0 + radius, y1 - radius)
        if all((x - a) ** 2 + (y - b) ** 2 > (radius + c) ** 2 for a, b, c in taken):
            taken.append((x, y, radius))
            yaw = rng.uniform(-np.pi, np.pi)
            solids += [solid.moved(x, y, z, yaw) for solid in thing]
    return solids


def on_floor(rng: np.random.Generator) -> tuple[list[Solid], float]:
    """A thing that stands on the floor, and its radius: a carton, a ball, a bin, a stool."""
    of = finishes.painted(rng)
    kind = rng.integers(4)
    if kind == 0:
        w, d, h = rng.uniform(0.12, 0.3, 3)
        card = finishes.Material("plain", (0.4, 0.26, 0.14), offset=rng.random())
        of = card if rng.random() < 0.5 else of
        return [box((-w, w), (-d, d), (0, 2 * h), of)], float(np.hypot(w, d))
    if kind == 1:
        r = rng.uniform(0.06, 0.2)
        return [Solid("ellipsoid", (0, 0, r), (r, r, r), finishes.fabric(rng))], r
    if kind == 2:
        r, h = rng.uniform(0.1, 0.18), rng.uniform(0.12, 0.2)
        return [Solid("cylinder", (0, 0, h), (r, r, h), of)], r
    r, h = rng.uniform(0.18, 0.35), rng.uniform(0.17, 0.24)
    return [Solid("cylinder", (0, 0, h), (r, r, h), finishes.fabric(rng))], r


def _thing(rng: np.random.Generator) -> tuple[list[Solid], float]:
    kind = rng.integers(6)
    of = finishes.painted(rng) if rng.random() < 0.6 else finishes.fabric(rng)
    if kind == 0:  # a pile of books
        solids, z = [], 0.0
        for _ in range(rng.integers(1, 5)):
            w, d, h = rng.uniform(0.07, 0.1), rng.uniform(0.1, 0.14), rng.uniform(0.01, 0.05)
            book = box((-w, w), (-d, d), (z, z + h), finishes.painted(rng))
            solids.append(book.moved(0, 0, 0, rng.uniform(-0.3, 0.3)))
            z += h
        return solids, 0.17
    if kind == 1:  # a cup, a tin
        r, h = rng.uniform(0.03, 0.05), rng.uniform(0.04, 0.07)
        return [Solid("cylinder", (0, 0, h), (r, r, h), of)], r
    if kind == 2:  # a bottle
        r, h = rng.uniform(0.03, 0.045), rng.uniform(0.1, 0.14)
        neck = Solid("cylinder", (0, 0, 2 * h + 0.03), (r * 0.35, r * 0.35, 0.04), of)
        return [Solid("cylinder", (0, 0, h), (r, r, h), of), neck], r
    if kind == 3:  # a bowl of fruit, a vase, a ball
        r = rng.uniform(0.05, 0.12)
        return [Solid("ellipsoid", (0, 0, r), (r, r, r * rng.uniform(0.7, 1.0)), of)], r
    if kind == 4:  # a box
        w, d, h = rng.uniform(0.04, 0.14, 3)
        return [box((-w, w), (-d, d), (0, 2 * h), of)], float(np.hypot(w, d))
    of = finishes.picture(rng)  # a photograph, standing
    w, h = rng.uniform(0.06, 0.14, 2)
    return [box((-w, w), (-0.015, 0.015), (0, 2 * h), of)], w + 0.02
