"""Minimal filtering: several neighbouring outputs of a short filter with fewer products.

F(m, r) of S. Winograd (Arithmetic Complexity of Computations, 1980), built as A. Lavin and S. Gray
(Fast Algorithms for Convolutional Neural Networks, 2016) do: m outputs of a filter g of r taps from
m + r - 1 inputs d are A^T ((G g) * (B^T d)), in m + r - 1 products instead of m r.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

# Where polynomials are evaluated, besides infinity: pairs of opposite sign share their arithmetic,
# and small numbers keep rounding small.
_POINTS = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)


LARGEST = len(_POINTS) + 1


def matrices(outputs: int, taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """B^T, G and A^T of F(outputs, taps), in double precision, of at most LARGEST products."""
    size = outputs + taps - 1
    points = np.array(_POINTS[: size - 1])
    B, G, A = np.zeros((size, size)), np.zeros((size, taps)), np.zeros((outputs, size))
    for row, point in enumerate(points):
        others = np.delete(points, row)
        B[row, : size - 1] = np.poly(others)[::-1]
        G[row] = point ** np.arange(taps) / np.prod(point - others)
        A[:, row] = point ** np.arange(outputs)
    B[-1], G[-1, -1], A[-1, -1] = np.poly(points)[::-1], 1, 1
    return B, G, A


def within_borders(outputs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """B^T, G and A^T of one or two outputs of three taps whose first and last inputs are zero.

    A single output is one product. Two, y0 = g1 d1 + g2 d2 and y1 = g0 d1 + g1 d2, are three:
    both share g1 (d1 + d2), of which y0 lacks (g2 - g1) d2, and y1 (g0 - g1) d1.
    """
    if outputs == 1:
        return np.array([[0.0, 1, 0]]), np.array([[0.0, 1, 0]]), np.ones((1, 1))
    B = np.array([[0.0, 1, 1, 0], [0, 0, 1, 0], [0, 1, 0, 0]])
    G = np.array([[0.0, 1, 0], [0, -1, 1], [1, -1, 0]])
    A = np.array([[1.0, 1, 0], [1, 0, 1]])
    return B, G, A


def apply(
    matrix: np.ndarray, row: int, values: Sequence[Any], number: Callable[[float], Any]
) -> Any:
    """One row of matrix times values, which support + and -, and * with a `number`.

    Written so that a compiler finds what rows share: two rows that agree but for signs are the sum
    and the difference of the same two halves, and values whose columns agree but for signs are
    added or subtracted before they are weighted.
    """
    twins = [r for r in range(len(matrix)) if (abs(matrix[r]) == abs(matrix[row])).all()]
    leader = matrix[min(twins)]
    apart = leader != matrix[max(twins)]
    halves = [_weighted(matrix, leader * half, values, number) for half in (~apart, apart)]
    if halves[0] is None or halves[1] is None:
        return halves[0] if halves[1] is None else halves[1]
    return halves[0] + halves[1] if row == min(twins) else halves[0] - halves[1]


def _weighted(
    matrix: np.ndarray, weights: np.ndarray, values: Sequence[Any], number: Callable[[float], Any]
) -> Any:
    """The weighted sum of the values, None where there is nothing to add."""
    total: Any = None
    left = [column for column, weight in enumerate(weights) if weight]
    left.sort(key=lambda column: weights[column] != 1)  # first what needs no multiplication
    while left:
        first, *left = left
        value, weight = values[first], weights[first]
        twin = next((c for c in left if (abs(matrix[:, c]) == abs(matrix[:, first])).all()), None)
        if twin is not None:
            left.remove(twin)
            same = weights[twin] == weight
            value = value + values[twin] if same else value - values[twin]
        if total is None:
            total = value if weight == 1 else value * number(weight)
        elif abs(weight) == 1:
            total = total + value if weight == 1 else total - value
        else:
            total = total + value * number(weight)
    return total
