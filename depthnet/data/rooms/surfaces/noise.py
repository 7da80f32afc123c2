"""Smooth and blocky randomness by table look-up, the same on every machine."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

PERIOD = 512
CELLS = 4096


@cache
def _smooth_table() -> NDArray[np.float32]:
    # Fractal value noise: lattices of 8 to 128 cells a side, stretched to the whole table.
    generator = np.random.Generator(np.random.PCG64(20210512))
    table = np.zeros((PERIOD, PERIOD), np.float64)
    for octave, cells in enumerate((8, 16, 32, 64, 128)):
        lattice = generator.random((cells, cells))
        at = np.arange(PERIOD) * (cells / PERIOD)
        low = at.astype(int)
        part = at - low
        weight = part * part * (3 - 2 * part)
        high = (low + 1) % cells
        rows = lattice[low] * (1 - weight)[:, None] + lattice[high] * weight[:, None]
        table += (rows[:, low] * (1 - weight) + rows[:, high] * weight - 0.5) * 0.6**octave
    return (table / np.abs(table).max()).astype(np.float32).ravel()


@cache
def _cell_table() -> NDArray[np.float32]:
    generator = np.random.Generator(np.random.PCG64(1623))
    return generator.random(CELLS).astype(np.float32)


def smooth(
    u: NDArray, v: NDArray, cells_per_metre: float, offset: float = 0
) -> NDArray[np.float32]:
    """Fractal noise in [-1, 1] at points in metres; `offset`, 0 to 1, picks a part of it."""
    factor = np.float32(cells_per_metre * PERIOD / 16)
    shift = np.float32(offset * PERIOD * 7)
    i = (u * factor + shift).astype(np.int32) & (PERIOD - 1)
    j = (v * factor + shift * np.float32(1.7)).astype(np.int32) & (PERIOD - 1)
    return _smooth_table()[j * PERIOD + i]


def cell(i: NDArray, j: NDArray | int = 0, offset: float = 0) -> NDArray[np.float32]:
    """A value in [0, 1) for every whole-numbered cell."""
    mixed = i.astype(np.int32) * 1597 + np.asarray(j).astype(np.int32) * 3571
    return _cell_table()[(mixed + int(offset * CELLS)) & (CELLS - 1)]
