"""One multiply-add from the bits of a whole sum to the number that it stands for.

The bits of the float ROUNDER + n are ROUNDER_BITS + n, for n below 2^22 in size. Read as a float, a
sum that started at ROUNDER_BITS is therefore ROUNDER too large, and times its scale it is off by
ROUNDER times the scale. What takes that off again is rounded to a float32, which is no error where
the sum starts a little higher: so much that the number to take off is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compile.operators.vector_math import ROUNDER

# A sum may start so much higher or lower.
MOST = 2**19
# Each halves what is left at least, and a float64 has no more digits.
_REFINEMENTS = 30


@dataclass(frozen=True)
class Scaling:
    """By output channel: how much higher a sum starts, and what is added to its multiple.

    `error` is the largest error of the result, in its units.
    """

    higher: np.ndarray
    offset: np.ndarray
    error: float


def scaling(scale: np.ndarray, base: float) -> Scaling:
    """How (ROUNDER + sum) * scale becomes base + sum * scale; `scale` is float32 [channels]."""
    factor = scale.astype(np.float64)
    wanted = base - ROUNDER * factor
    largest = np.abs(wanted) + MOST * factor
    grid = np.spacing(largest.astype(np.float32)).astype(np.float64)
    higher = _nearest_to_whole(wanted / grid, -factor / grid)
    exact = wanted - higher * factor
    offset = exact.astype(np.float32)
    return Scaling(higher, offset, float(np.abs(offset - exact).max()))


def _nearest_to_whole(base: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Whole numbers n of size up to MOST, for which base + n * step lies next to whole numbers.

    What is missing is made up by turns of ever more steps that together are ever nearer to a whole
    number: those of the continued fraction of `step`.
    """
    missing = -_from_whole(base)
    found = np.zeros_like(step)
    steps, fewer = np.ones_like(step), np.zeros_like(step)
    moved, further = _from_whole(step), np.ones_like(step)
    for _ in range(_REFINEMENTS):
        useful = (np.abs(steps) <= MOST) & (moved != 0)
        divisor = np.where(useful, moved, 1)
        room = (MOST - np.abs(found)) // np.maximum(np.abs(steps), 1)
        turns = np.where(useful, np.clip(np.rint(missing / divisor), -room, room), 0)
        found, missing = found + turns * steps, missing - turns * moved
        times = np.where(useful, -np.rint(further / divisor), 0)
        fewer, steps = steps, np.where(useful, fewer + times * steps, MOST + 1)
        further, moved = moved, further + times * moved
    return found.astype(np.int64)


def _from_whole(value: np.ndarray) -> np.ndarray:
    """How far each number is above the nearest whole one."""
    return value - np.rint(value)
