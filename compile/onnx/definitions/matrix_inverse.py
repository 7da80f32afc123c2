"""The inverse of small matrices, by cofactors: cameras and poses have three or four rows."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_LARGEST = 4


def _inverse(operation: Operation) -> onnx.FunctionProto | None:
    shape = operation.shape(0)
    if shape is None:
        return None
    size = shape[-1]
    if size > _LARGEST:
        raise InputError(f"it inverts matrices of {size} rows: {_LARGEST} are the most")
    body, dtype = Body(operation), operation.dtype(0)
    flat = body.reshape(body.inputs[0], (-1, size * size))
    entries = {
        (row, column): body("Gather", flat, body.constant([row * size + column], np.int64), axis=1)
        for row, column in product(range(size), repeat=2)
    }

    def determinant(rows: tuple[int, ...], columns: tuple[int, ...]) -> str:
        if not rows:
            return body.constant(1, dtype)
        if len(rows) == 1:
            return entries[rows[0], columns[0]]
        terms = [
            body("Mul", entries[rows[0], column], minor(rows, columns, rows[0], column))
            for column in columns
        ]
        total = terms[0]
        for place, term in enumerate(terms[1:], 1):
            total = body("Sub" if place % 2 else "Add", total, term)
        return total

    def minor(rows: tuple[int, ...], columns: tuple[int, ...], row: int, column: int) -> str:
        return determinant(
            tuple(one for one in rows if one != row), tuple(one for one in columns if one != column)
        )

    every = tuple(range(size))
    cofactors = []
    for row, column in product(every, repeat=2):
        cofactor = minor(every, every, column, row)
        cofactors.append(body("Neg", cofactor) if (row + column) % 2 else cofactor)
    whole = determinant(every, every)
    if size == 1:
        cofactors = [body("Div", whole, whole)]
    table = body("Concat", *cofactors, axis=1) if size > 1 else cofactors[0]
    return body.function(body.reshape(body("Div", table, whole), shape))


DEFINITIONS = {("com.microsoft", "Inverse"): _inverse}
