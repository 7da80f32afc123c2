"""Operators that read or write at indices, or find them, which TVM knows in some forms only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _extreme_place(operation: Operation) -> onnx.FunctionProto | None:
    """TVM begins with the least number of the type, which bytes may well be."""
    from onnx import TensorProto

    shape, axis = operation.shape(0), operation.attributes["axis"]
    is_bytes = operation.elements(0) in (TensorProto.INT8, TensorProto.UINT8)
    if shape is None or not (is_bytes or axis < 0):
        return None
    body = Body(operation)
    x = body("Cast", body.inputs[0], to=TensorProto.INT32) if is_bytes else body.inputs[0]
    attributes = {one.name: operation.attributes[one.name] for one in operation.node.attribute}
    attributes["axis"] = axis % len(shape)
    return body.function(body(operation.node.op_type, x, **attributes))


def _scatter_elements(operation: Operation) -> onnx.FunctionProto | None:
    """TVM takes indices for as long as the data along all other axes."""
    data, indices = operation.shape(0), operation.shape(1)
    if data is None or indices is None:
        return None
    axis = operation.attributes["axis"] % len(data)
    shorter = [i for i in range(len(data)) if i != axis and indices[i] < data[i]]
    if not shorter:
        return None
    body = Body(operation)
    inner, outer = body.inputs[0], []
    for i in shorter:
        edge = [body.constant([at], "int64") for at in (0, indices[i], data[i], i)]
        outer.append(body("Slice", inner, edge[1], edge[2], edge[3]))
        inner = body("Slice", inner, edge[0], edge[1], edge[3])
    attributes = {one.name: operation.attributes[one.name] for one in operation.node.attribute}
    inner = body(operation.node.op_type, inner, *body.inputs[1:], **attributes)
    for i, rest in zip(reversed(shorter), reversed(outer), strict=True):
        inner = body("Concat", inner, rest, axis=i)
    return body.function(inner)


def _one_hot(operation: Operation) -> onnx.FunctionProto | None:
    """TVM takes the depth as a number, no axis from the end, and values of 64 bits."""
    from onnx import TensorProto

    depth, shape, axis = operation.constant(1), operation.shape(0), operation.attributes["axis"]
    values = operation.constant(2)
    if depth is None or shape is None or values is None:
        return None
    wide = np.dtype(np.float64 if operation.dtype(2).kind == "f" else np.int64)
    known = depth.ndim == 0 and operation.dtype(0).kind == "i"
    if known and axis >= -1 and operation.dtype(2) == wide:
        return None
    body = Body(operation)
    indices = body("Cast", body.inputs[0], to=TensorProto.INT64)
    axis %= len(shape) + 1
    number = body.constant(int(depth.reshape(-1)[0]), np.int64)
    result = body("OneHot", indices, number, body.constant(values, wide), axis=axis)
    return body.function(body("Cast", result, to=operation.elements(2)))


DEFINITIONS = {
    ("", "ArgMax"): _extreme_place,
    ("", "ArgMin"): _extreme_place,
    ("", "OneHot"): _one_hot,
    ("", "ScatterElements"): _scatter_elements,
}
