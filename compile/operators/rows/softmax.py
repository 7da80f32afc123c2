"""Softmax along the last axis, such as attention's, row by row.

The largest of a row and the sum of its exponentials are taken in several lanes side by side, and of
what is left beyond a whole number of those one by one: rows of attention seldom divide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from tvm import relax, te, tirx

from compile.operators.annotations import FAMILY
from compile.targets import Target

SOFTMAX = "softmax"
# Accumulations side by side hide the latency of each.
MOST_VECTORS = 4
# By these a schedule knows the partial results in all lanes, and those in the lanes of one vector.
LANES, VECTOR = "_lanes", "_vector"

Join = Callable[[tirx.Expr, tirx.Expr], tirx.Expr]


def fits(call: relax.Call) -> bool:
    """Whether it is one along the last axis of float32."""
    data = call.args[0]
    rank = len(data.ty.shape)
    return rank > 0 and str(data.ty.dtype) == "float32" and int(call.attrs.axis) % rank == rank - 1


def softmax(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    """A softmax along the last axis."""
    shape = [int(edge) for edge in call.args[0].ty.shape]
    rows, length = prod(shape[:-1]), shape[-1]

    def compute(data: te.Tensor) -> te.Tensor:
        def read(index: Sequence[tirx.Expr]) -> tirx.Expr:
            row, at = index
            return data[(*_place(row, shape[:-1]), at)]

        lanes = target.vector_lanes
        largest = over_rows("largest", read, [rows], length, lanes, te.max)
        powers = te.compute(
            (rows, length), lambda r, i: tirx.exp(read((r, i)) - largest[r]), name="powers"
        )
        total = over_rows("total", powers.__getitem__, [rows], length, lanes, te.sum)
        inverse = te.compute((rows,), lambda r: tirx.const(1, "float32") / total[r], name="inverse")

        def written(*index: tirx.Expr) -> tirx.Expr:
            row = _row(index[:-1], shape[:-1])
            return powers[row, index[-1]] * inverse[row]

        return te.compute(shape, written, name="unpack", attrs={FAMILY: SOFTMAX})

    return builder.call_te(compute, call.args[0], primfunc_name_hint="softmax")


def _place(row: tirx.Expr, shape: Sequence[int]) -> list[tirx.Expr]:
    place = []
    for edge in reversed(shape):
        place.append(te.indexmod(row, edge))
        row = te.indexdiv(row, edge)
    return place[::-1]


def _row(index: Sequence[tirx.Expr], shape: Sequence[int]) -> tirx.Expr:
    row: tirx.Expr = tirx.const(0, "int64")
    for at, edge in zip(index, shape, strict=True):
        row = row * edge + at
    return row


def lanes_side_by_side(length: int, vector_lanes: int) -> int:
    """How many lanes a row of so many elements is taken in: the most that leave the fewest over."""
    vectors = length // vector_lanes
    fitting = [n for n in range(1, MOST_VECTORS + 1) if vectors and vectors % n == 0]
    return max(fitting, default=0) * vector_lanes


def over_rows(
    name: str,
    read: Callable[[tuple[Any, ...]], tirx.Expr],
    leading: Sequence[int],
    length: int,
    vector_lanes: int,
    combine: Callable[..., tirx.Expr],
) -> te.Tensor:
    """A number for each row of `length` elements, read at an index; `combine` is te.max or te.sum.

    The result has the shape `leading`.
    """
    join: Join = tirx.max if combine is te.max else lambda a, b: a + b
    lanes = lanes_side_by_side(length, vector_lanes)
    whole = length // lanes * lanes if lanes else 0
    parts: list[te.Tensor] = []
    if whole:
        sizes = whole // lanes, lanes, vector_lanes
        parts.append(_of_lanes(name, read, leading, *sizes, combine, join))
    if whole < length:
        left = te.reduce_axis((0, length - whole), "left")
        parts.append(
            te.compute(
                leading,
                lambda *row: combine(read((*row, whole + left)), axis=left),
                name=f"{name}_rest",
            )
        )
    if len(parts) == 1:
        return parts[0]
    return te.compute(leading, lambda *row: join(parts[0][row], parts[1][row]), name=name)


def _of_lanes(
    name: str,
    read: Callable[[tuple[Any, ...]], tirx.Expr],
    leading: Sequence[int],
    steps: int,
    lanes: int,
    vector_lanes: int,
    combine: Callable[..., tirx.Expr],
    join: Join,
) -> te.Tensor:
    step = te.reduce_axis((0, steps), "step")
    partial = te.compute(
        (*leading, lanes),
        lambda *i: combine(read((*i[:-1], step * lanes + i[-1])), axis=step),
        name=name + LANES,
    )
    vector = partial
    if lanes > vector_lanes:
        offsets = range(0, lanes, vector_lanes)
        vector = te.compute(
            (*leading, vector_lanes),
            lambda *i: _pairwise([partial[(*i[:-1], at + i[-1])] for at in offsets], join),
            name=name + VECTOR,
        )
    return te.compute(
        leading,
        lambda *row: _pairwise([vector[(*row, lane)] for lane in range(vector_lanes)], join),
        name=f"{name}_row",
    )


def _pairwise(values: Sequence[tirx.Expr], join: Join) -> tirx.Expr:
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return join(_pairwise(values[:half], join), _pairwise(values[half:], join))
