"""Arithmetic an element that TVM knows for some types or in some forms only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _power(operation: Operation) -> onnx.FunctionProto | None:
    """TVM raises floats to floats only; integers are exact in double precision up to 2^53."""
    base, exponent = operation.elements(0), operation.elements(1)
    if base == exponent and base in _FLOATS:
        return None
    body = Body(operation)
    between = base if base in _FLOATS else TensorProto.DOUBLE
    powers = body("Pow", *(body("Cast", one, to=between) for one in body.inputs))
    return body.function(body("Cast", powers, to=base))


def _is_infinite(operation: Operation) -> onnx.FunctionProto | None:
    """TVM knows infinities of both signs only."""
    signs = [operation.attributes[f"detect_{sign}"] for sign in ("positive", "negative")]
    if all(signs):
        return None
    body = Body(operation)
    x, zero = body.inputs[0], body.constant(0, operation.dtype(0))
    infinite = body("IsInf", x)
    for sign, operator in zip(signs, ("Less", "Greater"), strict=True):
        if not sign:
            infinite = body("And", infinite, body(operator, x, zero))
    return body.function(infinite)


def _extremum(operation: Operation) -> onnx.FunctionProto | None:
    """TVM knows no largest and smallest boolean."""
    if operation.elements(0) != TensorProto.BOOL:
        return None
    body = Body(operation)
    numbers = body("Cast", body.inputs[0], to=TensorProto.INT32)
    attributes = {one.name: operation.attributes[one.name] for one in operation.node.attribute}
    result = body(operation.node.op_type, numbers, *body.inputs[1:], **attributes)
    return body.function(body("Cast", result, to=TensorProto.BOOL))


def _general_product(operation: Operation) -> onnx.FunctionProto | None:
    """TVM adds no number without axes."""
    if operation.shape(2) != ():
        return None
    body = Body(operation)
    attributes = {one.name: operation.attributes[one.name] for one in operation.node.attribute}
    bias = body.reshape(body.inputs[2], [1])
    return body.function(body("Gemm", *body.inputs[:2], bias, **attributes))


def _cumulative_product(operation: Operation) -> onnx.FunctionProto | None:
    """One product after the other along a known axis."""
    shape, axis = operation.shape(0), operation.constant(1)
    if shape is None or axis is None:
        return None
    body, place = Body(operation), int(axis.reshape(-1)[0]) % len(shape)
    length = shape[place]
    order = list(range(length))
    if operation.attributes["reverse"]:
        order.reverse()
    rows = {
        i: body("Gather", body.inputs[0], body.constant([i], np.int64), axis=place) for i in order
    }
    ones = body.constant(
        np.ones([1 if i == place else n for i, n in enumerate(shape)]), operation.dtype(0)
    )
    product, results = ones, {}
    for i in order:
        if operation.attributes["exclusive"]:
            results[i] = product
        product = body("Mul", product, rows[i])
        if not operation.attributes["exclusive"]:
            results[i] = product
    return body.function(body("Concat", *(results[i] for i in range(length)), axis=place))


def _remainder(operation: Operation) -> onnx.FunctionProto | None:
    """Of the divisor's sign; TVM's own is not a number where the divisor is infinite."""
    if operation.attributes["fmod"] or operation.elements(0) not in _FLOATS:
        return None
    body = Body(operation)
    divisor, zero = body.inputs[1], body.constant(0, operation.dtype(0))
    rest = body("Mod", *body.inputs, fmod=1)
    signs = body("Less", rest, zero), body("Less", divisor, zero)
    moved = body("And", body("Xor", *signs), body("Not", body("Equal", rest, zero)))
    return body.function(body("Where", moved, body("Add", rest, divisor), rest))


_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
DEFINITIONS = {
    ("", "Pow"): _power,
    ("", "IsInf"): _is_infinite,
    ("", "ReduceMax"): _extremum,
    ("", "ReduceMin"): _extremum,
    ("", "Gemm"): _general_product,
    ("", "Mod"): _remainder,
    ("", "CumProd"): _cumulative_product,
}
