"""Procedural reflectance of a surface at points given in metres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from depthnet.data.rooms.surfaces.materials import Material, Texture
from depthnet.data.rooms.surfaces.noise import cell, smooth

Floats = NDArray[np.float32]
Pattern = Callable[[Floats, Floats, Material], tuple[Floats, Floats]]
"""u, v in metres to (mix of the two colours, 0 to 1; brightness, about 1)."""


def reflectance(material: Material, u: Floats, v: Floats, extent: tuple[float, float]) -> Floats:
    """Linear RGB reflectance, Nx3, at N surface points.

    `u`, `v`: metres from the middle of the face; `extent`: half the face's size in metres, for
    patterns that fit a face (pictures, rugs, windows).
    """
    first = np.array(material.colour, np.float32)
    second = np.array(material.other, np.float32)
    if fitted := FITTED.get(material.texture):
        mix, brightness = fitted(u / max(extent[0], 1e-6), v / max(extent[1], 1e-6), material)
    else:
        mix, brightness = TILED[material.texture](u, v, material)
    if material.texture in ("picture", "books"):
        return _palette(mix, first, second) * brightness[:, None]
    return (first + mix[:, None] * (second - first)) * brightness[:, None]


def _palette(mix: Floats, first: Floats, second: Floats) -> Floats:
    # Four colours from two: both, one with its channels turned, and their mean.
    colours = np.stack([first, np.roll(first, 1) * np.float32(0.8), (first + second) / 2, second])
    return colours[np.clip((mix * 4).astype(np.int32), 0, 3)]


def _plain(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    return np.zeros_like(u), 1 + 0.05 * smooth(u, v, 1.5, m.offset)


def _planks(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    row = np.floor(v / m.scale)
    board = np.floor(u / (m.scale * 9) + cell(row, 0, m.offset) * 7)
    tone = cell(board, row, m.offset)
    grain = smooth(u + tone * 3, v * 14, 1.0, m.offset)
    seam = np.abs(v / m.scale - row - 0.5) > 0.47
    return 0.5 * tone + 0.25 * grain, np.where(seam, np.float32(0.65), 1 + 0.1 * grain)


def _grain(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    wave = smooth(u, v * 12, 0.7, m.offset)
    return np.clip(0.4 + 0.5 * wave, 0, 1), 1 + 0.12 * smooth(u * 2, v * 30, 1.0, m.offset)


def _tiles(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    i, j = np.floor(u / m.scale), np.floor(v / m.scale)
    edge = np.maximum(np.abs(u / m.scale - i - 0.5), np.abs(v / m.scale - j - 0.5))
    tone = cell(i, j, m.offset)
    return (edge > 0.47).astype(np.float32), 0.9 + 0.2 * tone + 0.05 * smooth(u, v, 3, m.offset)


def _bricks(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    j = np.floor(v / m.scale)
    shifted = u / (m.scale * 3) + 0.5 * (j % 2)
    i = np.floor(shifted)
    joint = (np.abs(v / m.scale - j - 0.5) > 0.43) | (np.abs(shifted - i - 0.5) > 0.475)
    tone = 0.75 + 0.5 * cell(i, j, m.offset)
    return joint.astype(np.float32), tone + 0.15 * smooth(u, v, 8, m.offset)


def _weave(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    fine = smooth(u, v, 12, m.offset)
    return np.clip(0.3 + 0.5 * fine, 0, 1), 1 + 0.25 * smooth(u, v, 2.0, m.offset)


def _stripes(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    at = u / m.scale
    on = (at - np.floor(at)) > 0.5
    return on.astype(np.float32), 1 + 0.1 * smooth(u, v, 4, m.offset)


def _speckle(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    fine = cell(np.floor(u * 180), np.floor(v * 180), m.offset)
    return fine * 0.5, 1 + 0.15 * smooth(u, v, 1.2, m.offset)


def _marble(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    warp = smooth(u, v, 1.2, m.offset)
    veins = np.abs(smooth(u + 0.3 * warp, v - 0.3 * warp, 2.5, m.offset))
    return np.clip(1 - 6 * veins, 0, 1) * 0.6, 1 + 0.1 * warp


def _dots(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    i, j = np.floor(u / m.scale), np.floor(v / m.scale)
    x, y = u / m.scale - i - 0.5, v / m.scale - j - 0.5
    return (x * x + y * y < 0.08).astype(np.float32), 1 + 0.08 * smooth(u, v, 2, m.offset)


def _books(u: Floats, v: Floats, m: Material) -> tuple[Floats, Floats]:
    warped = u / m.scale + 0.8 * np.sin(u / m.scale * 1.3)
    i = np.floor(warped)
    edge = np.abs(warped - i - 0.5) > 0.44
    band = cell(i, np.floor(v * 25), m.offset) > 0.85
    tone = 0.5 + 0.9 * cell(i, 7, m.offset) + np.float32(0.3) * band
    return cell(i, 3, m.offset), np.where(edge, np.float32(0.3), tone)


def _picture(x: Floats, y: Floats, m: Material) -> tuple[Floats, Floats]:
    shapes = smooth(x, y, 0.9, m.offset)
    horizon = np.clip(0.5 - 0.5 * y, 0, 1)
    mix = np.clip(0.5 * horizon + 0.35 + 0.8 * shapes, 0, 0.999)
    framed = np.maximum(np.abs(x), np.abs(y)) > 0.86
    mix = np.where(framed, np.float32(0.99), mix)
    return mix, np.where(framed, np.float32(1.3), 1 + 0.5 * smooth(x, y, 3.5, m.offset))


def _rug(x: Floats, y: Floats, m: Material) -> tuple[Floats, Floats]:
    ring = np.maximum(np.abs(x), np.abs(y))
    border = ((ring > 0.8) & (ring < 0.92)) | (ring < 0.3)
    motif = np.sin(x * (6 + 20 * m.offset)) * np.sin(y * (6 + 9 * m.offset)) > 0.4
    mix = np.where(border, np.float32(1), np.where(motif, np.float32(0.55), np.float32(0)))
    return mix, 1 + 0.3 * smooth(x, y, 6, m.offset)


def _window(x: Floats, y: Floats, m: Material) -> tuple[Floats, Floats]:
    panes = 2 if m.offset < 0.6 else 3
    at = (x + 1) * panes / 2
    bar = (np.abs(at - np.floor(at + 0.5)) < 0.05) | (np.abs(y) < 0.03)
    trees = np.clip(3 * (smooth(x, y, 1.3, m.offset) - y * 0.7 - 0.1), 0, 1)
    return np.where(bar, np.float32(0), 1 - 0.8 * trees), np.where(bar, np.float32(0.35), 1)


TILED: dict[Texture, Pattern] = {
    "plain": _plain,
    "planks": _planks,
    "grain": _grain,
    "tiles": _tiles,
    "bricks": _bricks,
    "weave": _weave,
    "stripes": _stripes,
    "speckle": _speckle,
    "marble": _marble,
    "dots": _dots,
    "books": _books,
}
FITTED: dict[Texture, Pattern] = {"picture": _picture, "rug": _rug, "window": _window}
