"""Write or choose by places that are computed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _tensor_scatter(operation: Operation) -> onnx.FunctionProto | None:
    """The update of each sample is written from its own place on, around the end if circular."""
    whole, update = operation.shape(0), operation.shape(1)
    if whole is None or update is None:
        return None
    body, axis = Body(operation), operation.attributes["axis"] % len(whole)
    steps = np.arange(update[axis]).reshape([-1 if i == axis else 1 for i in range(len(whole))])
    index = body.constant(steps, np.int64)
    if operation.has(2):
        first = body.reshape(body.inputs[2], [-1] + [1] * (len(whole) - 1))
        index = body("Add", index, first)
    if operation.attributes["mode"] == "circular":
        index = body("Mod", index, body.constant(whole[axis], np.int64))
    index = body("Expand", index, body.constant(update, np.int64))
    return body.function(body("ScatterElements", body.inputs[0], index, body.inputs[1], axis=axis))


def _determinant(operation: Operation) -> onnx.FunctionProto | None:
    """Of matrices of up to three rows, by Leibniz' formula."""
    shape = operation.shape(0)
    if shape is None or shape[-1] > 3:
        return None
    body, size = Body(operation), shape[-1]
    flat = body.reshape(body.inputs[0], [*shape[:-2], size * size])
    entries = np.arange(size * size).reshape(size, size)
    sums = {1: "", -1: ""}
    for columns in itertools.permutations(range(size)):
        product = ""
        for place in entries[range(size), columns]:
            entry = body("Gather", flat, body.constant(place, np.int64), axis=len(shape) - 2)
            product = body("Mul", product, entry) if product else entry
        sign = round(np.linalg.det(np.eye(size)[list(columns)]))
        sums[sign] = body("Add", sums[sign], product) if sums[sign] else product
    return body.function(body("Sub", sums[1], sums[-1]) if sums[-1] else sums[1])


DEFINITIONS = {
    ("", "TensorScatter"): _tensor_scatter,
    ("", "Det"): _determinant,
}
