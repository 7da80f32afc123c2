"""Softmax along the last axis, such as attention's, row by row.

The largest of a row and the sum of its exponentials are taken in several lanes side by side, and of
what is left beyond a whole number of those one by one: rows of attention seldom divide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from tvm import relax, te, tirx

from compile.operators.annotations import FAMILY
from compile.targets import Target

SOFTMAX = "softmax"
# Accumulations side by side hide the latency of each.
MOST_VECTORS = 4


def fits(call: relax.Call) -> bool:
    """Whether it is one along the last axis of float32."""
    data = call.args[0]
    rank = len(data.ty.shape)
    return rank > 0 and str(data.ty.dtype) == "float32" and int(call.attrs.axis) % rank == rank - 1


def softmax(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    """A softmax along the last axis."""
    shape = [int(edge) for edge in call.args[0].ty.shape]
    rows, length = prod(shape[:-1]), shape[-1]
    lanes = lanes_side_by_side(length, target.vector_lanes)

    def compute(data: te.Tensor) -> te.Tensor:
        def read(row: tirx.Expr, at: tirx.Expr) -> tirx.Expr:
            return data[(*_place(row, shape[:-1]), at)]

        largest = _over_rows("largest", read, rows, length, lanes, te.max)
        powers = te.compute(
            (rows, length), lambda r, i: tirx.exp(read(r, i) - largest[r]), name="powers"
        )
        total = _over_rows("total", lambda r, i: powers[r, i], rows, length, lanes, te.sum)
        inverse = te.compute((rows,), lambda r: tirx.const(1, "float32") / total[r], name="inverse")

        def written(*index: tirx.Expr) -> tirx.Expr:
            row = _row(index[:-1], shape[:-1])
            return powers[row, index[-1]] * inverse[row]

        return te.compute(shape, written, name="unpack", attrs={FAMILY: SOFTMAX})

    return builder.call_te(compute, call.args[0], primfunc_name_hint="softmax")


def lanes_side_by_side(length: int, vector_lanes: int) -> int:
    """How many lanes a row of so many elements is taken in: the most that leave the fewest over."""
    vectors = length // vector_lanes
    fitting = [n for n in range(1, MOST_VECTORS + 1) if vectors and vectors % n == 0]
    return max(fitting, default=0) * vector_lanes


def _over_rows(
    name: str,
    read: Callable[[tirx.Expr, tirx.Expr], tirx.Expr],
    rows: int,
    length: int,
    lanes: int,
    combine: Callable[..., tirx.Expr],
) -> te.Tensor:
    """One number a row: of `lanes` partial results, and of the elements left over."""
    steps = length // lanes if lanes else 0
    rest = length - steps * lanes
    parts = []
    if steps:
        step = te.reduce_axis((0, steps), "step")
        partial = te.compute(
            (rows, lanes),
            lambda r, lane: combine(read(r, step * lanes + lane), axis=step),
            name=f"{name}_lanes",
        )
        lane = te.reduce_axis((0, lanes), "lane")
        parts.append(
            te.compute((rows,), lambda r: combine(partial[r, lane], axis=lane), name=f"{name}_row")
        )
    if rest:
        left = te.reduce_axis((0, rest), "left")
        parts.append(
            te.compute(
                (rows,),
                lambda r: combine(read(r, steps * lanes + left), axis=left),
                name=f"{name}_rest",
            )
        )
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    join = tirx.max if combine is te.max else lambda a, b: a + b
    return te.compute((rows,), lambda r: join(first[r], second[r]), name=name)


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
