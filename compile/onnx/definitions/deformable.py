"""Deformable convolution: a convolution whose taps are read between pixels, where it is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _deformable_convolution(operation: Operation) -> onnx.FunctionProto | None:
    """The taps of all places are read bilinearly, zeros outside, and multiplied by the weights."""
    shape, weight, moved = (operation.shape(place) for place in range(3))
    if shape is None or weight is None or moved is None or len(shape) != 4:
        return None
    body, attributes = Body(operation), operation.attributes
    batch, channels, *before = shape
    outputs, _, *kernel = weight
    after, shares = moved[2:], attributes["offset_group"]
    taps, pixels = math.prod(kernel), math.prod(after)
    dtype, groups = operation.dtype(0), attributes["group"]

    offsets = body.reshape(body.inputs[2], [batch * shares, taps, 2, pixels])
    low, part = [], []
    for axis in range(2):
        start = _first_places(operation, axis, kernel, after)
        offset = body("Gather", offsets, body.constant(axis, np.int64), axis=2)
        place = body("Add", offset, body.constant(start, dtype))
        low.append(body("Floor", place))
        part.append(body("Sub", place, low[-1]))
    one = body.constant(1, dtype)
    data = body.reshape(body.inputs[0], [batch * shares, channels // shares, math.prod(before)])
    columns = ""
    for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
        factor, index = "", ""
        for axis, step in enumerate(corner):
            place = body("Add", low[axis], body.constant(step, dtype))
            last = body.constant(before[axis] - 1, dtype)
            inside = body("Max", body("Min", place, last), body.constant(0, dtype))
            share = part[axis] if step else body("Sub", one, part[axis])
            share = body("Where", body("Equal", inside, place), share, body.constant(0, dtype))
            factor = body("Mul", factor, share) if factor else share
            index = body("Mul", index, body.constant(before[axis], dtype)) if index else index
            index = body("Add", index, inside) if index else inside
        flat = body("Cast", body.reshape(index, [batch * shares, 1, taps * pixels]), to=_INT64)
        many = [batch * shares, channels // shares, taps * pixels]
        flat = body("Expand", flat, body.constant(many, np.int64))
        read = body("GatherElements", data, flat, axis=2)
        read = body("Mul", read, body.reshape(factor, [batch * shares, 1, taps * pixels]))
        columns = body("Add", columns, read) if columns else read
    if operation.has(4):
        mask = body.reshape(body.inputs[4], [batch * shares, 1, taps * pixels])
        columns = body("Mul", columns, mask)

    columns = body.reshape(columns, [batch, groups, channels // groups * taps, pixels])
    rows = body.reshape(body.inputs[1], [groups, outputs // groups, channels // groups * taps])
    y = body.reshape(body("MatMul", rows, columns), [batch, outputs, *after])
    if operation.has(3):
        y = body("Add", y, body.reshape(body.inputs[3], [1, outputs, 1, 1]))
    return body.function(y)


def _first_places(
    operation: Operation, axis: int, kernel: list[int], after: tuple[int, ...]
) -> np.ndarray:
    """Where each tap reads before it is moved, [1, taps, pixels]."""
    attributes = operation.attributes
    strides, dilations, pads = (
        attributes.get(name, [default] * 4)
        for name, default in (("strides", 1), ("dilations", 1), ("pads", 0))
    )
    tap = np.indices(kernel)[axis].reshape(1, -1, 1) * dilations[axis]
    pixel = np.indices(after)[axis].reshape(1, 1, -1) * strides[axis]
    return np.asarray(tap + pixel - pads[axis])


_INT64 = 7
DEFINITIONS = {("", "DeformConv"): _deformable_convolution}
