"""Random materials of the kinds that rooms are made of."""

from __future__ import annotations

import colorsys

import numpy as np

from depthnet.data.rooms.surfaces.materials import Colour, Material, Texture

WOODS: tuple[Colour, ...] = (
    (0.42, 0.24, 0.11), (0.20, 0.09, 0.04), (0.55, 0.38, 0.20), (0.30, 0.16, 0.08),
    (0.60, 0.46, 0.30), (0.09, 0.05, 0.03),
)  # fmt: skip


def colour(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.1, 0.7),
    value: tuple[float, float] = (0.08, 0.7),
) -> Colour:
    """Any hue, in linear light."""
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))


def shade(base: Colour, factor: float) -> Colour:
    """The same colour, darker or lighter."""
    red, green, blue = (min(channel * factor, 1.0) for channel in base)
    return red, green, blue


def choose(rng: np.random.Generator, *options: Texture) -> Texture:
    """One of the given textures."""
    return options[rng.integers(len(options))]


def wood(rng: np.random.Generator) -> Material:
    """Grained wood, dull or varnished."""
    base = shade(WOODS[rng.integers(len(WOODS))], rng.uniform(0.7, 1.3))
    return Material(
        "grain", base, shade(base, 0.5), offset=rng.random(), gloss=rng.uniform(0, 0.35)
    )


def painted(rng: np.random.Generator) -> Material:
    """Lacquer, plastic or painted board, white more often than not."""
    base = colour(rng, (0.0, 0.1), (0.5, 0.85)) if rng.random() < 0.55 else colour(rng)
    return Material("plain", base, offset=rng.random(), gloss=rng.uniform(0, 0.3))


def board(rng: np.random.Generator) -> Material:
    """What cupboards and shelves are made of."""
    return wood(rng) if rng.random() < 0.65 else painted(rng)


def metal(rng: np.random.Generator) -> Material:
    """Grey to black metal."""
    level = rng.uniform(0.03, 0.5)
    return Material("plain", (level, level, level * 1.04), offset=rng.random(), gloss=0.6)


def fabric(rng: np.random.Generator) -> Material:
    """Upholstery, bed linen, curtains."""
    texture = choose(rng, "weave", "weave", "weave", "plain", "stripes", "dots")
    base = colour(rng, (0.0, 0.7), (0.06, 0.75))
    other = shade(base, rng.uniform(0.3, 0.8)) if texture == "weave" else colour(rng)
    return Material(texture, base, other, scale=rng.uniform(0.03, 0.15), offset=rng.random())


def plaster(rng: np.random.Generator) -> Material:
    """Walls: paint mostly, else wallpaper, brick, tiles or panelling."""
    base = colour(rng, (0.02, 0.12 if rng.random() < 0.6 else 0.45), (0.35, 0.85))
    kind = rng.random()
    if kind < 0.72:
        return Material("plain", base, offset=rng.random())
    if kind < 0.82:
        return Material(
            choose(rng, "stripes", "dots"), base, shade(base, rng.uniform(0.75, 1.2)),
            scale=rng.uniform(0.06, 0.4), offset=rng.random(),
        )  # fmt: skip
    if kind < 0.88:
        brick = colorsys.hsv_to_rgb(rng.uniform(0.0, 0.07), 0.6, rng.uniform(0.25, 0.5))
        return Material("bricks", brick, (0.5, 0.47, 0.42), scale=0.075, offset=rng.random())
    if kind < 0.94:
        return Material(
            "tiles", colour(rng, (0, 0.3), (0.5, 0.85)), (0.4, 0.4, 0.4),
            scale=rng.uniform(0.1, 0.25), offset=rng.random(), gloss=0.4,
        )  # fmt: skip
    return wood(rng)


def flooring(rng: np.random.Generator) -> Material:
    """Floors: planks, carpet, tiles or stone."""
    kind = rng.random()
    if kind < 0.45:
        base = shade(WOODS[rng.integers(len(WOODS))], rng.uniform(0.8, 1.4))
        return Material(
            "planks", base, shade(base, 0.5), scale=rng.uniform(0.07, 0.16),
            offset=rng.random(), gloss=rng.uniform(0, 0.5),
        )  # fmt: skip
    if kind < 0.78:
        base = colour(rng, (0.05, 0.45), (0.1, 0.5))
        return Material("speckle", base, shade(base, 0.5), offset=rng.random())
    if kind < 0.93:
        base = colour(rng, (0.02, 0.35), (0.2, 0.7))
        return Material(
            "tiles", base, shade(base, rng.uniform(0.3, 0.7)), scale=rng.uniform(0.2, 0.5),
            offset=rng.random(), gloss=0.5,
        )  # fmt: skip
    base = colour(rng, (0.0, 0.2), (0.4, 0.7))
    return Material("marble", base, shade(base, 0.5), offset=rng.random(), gloss=0.6)


def ceiling(rng: np.random.Generator) -> Material:
    """White or nearly."""
    base = colour(rng, (0.0, 0.08), (0.65, 0.88))
    if rng.random() < 0.2:
        return Material("tiles", base, shade(base, 0.6), scale=0.6, offset=rng.random())
    return Material("plain", base, offset=rng.random())


def picture(rng: np.random.Generator) -> Material:
    """Something framed: a print, a photograph, a poster."""
    return Material(
        "picture", colour(rng, (0.2, 0.9), (0.1, 0.8)), colour(rng, (0.1, 0.8), (0.05, 0.9)),
        offset=rng.random(), gloss=rng.uniform(0, 0.2),
    )  # fmt: skip


def book_row(rng: np.random.Generator) -> Material:
    """The spines of books on a shelf."""
    return Material(
        "books", colour(rng, (0.2, 0.8), (0.1, 0.6)), colour(rng, (0.2, 0.8), (0.1, 0.6)),
        scale=rng.uniform(0.025, 0.05), offset=rng.random(),
    )  # fmt: skip
