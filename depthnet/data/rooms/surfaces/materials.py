"""What a surface looks like: a texture, its colours and its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Colour = tuple[float, float, float]
"""Reflectance in linear RGB, 0 to 1."""

Texture = Literal[
    "plain",
    "planks",
    "grain",
    "tiles",
    "bricks",
    "weave",
    "stripes",
    "speckle",
    "marble",
    "books",
    "picture",
    "rug",
    "window",
    "dots",
]


@dataclass(frozen=True)
class Material:
    """A texture in two colours.

    `scale`: metres a texture element; `offset`: which part of the pattern, 0 to 1; `glow`:
    light given off, times the colour; `gloss`: strength of the highlight, 0 to 1.
    """

    texture: Texture
    colour: Colour
    other: Colour = (0.1, 0.1, 0.1)
    scale: float = 0.1
    offset: float = 0.0
    glow: float = 0.0
    gloss: float = 0.0
