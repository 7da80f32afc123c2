"""Shifts of bits by any number of places; TVM leaves those beyond the width to the processor."""

from __future__ import annotations

import numpy as np
import onnx

from compile.onnx.function_body import Body, Operation


def _bit_shift(operation: Operation) -> onnx.FunctionProto | None:
    """By fewer places than none or more than there are, nothing but the sign is left."""
    dtype, places = operation.dtype(0), operation.constant(1)
    width = 8 * dtype.itemsize
    if places is not None and ((places >= 0) & (places < width)).all():
        return None
    body, x = Body(operation), "x0"
    place = body("Cast", body.inputs[1], to=onnx.TensorProto.INT64)
    signed = np.issubdtype(dtype, np.signedinteger)
    unsigned = np.dtype(f"uint{width}")
    left = operation.attributes["direction"] == "LEFT"
    count = width - 1 if signed and not left else width
    few = body.constant(np.zeros([]), np.int64)
    many = body.constant(count, np.int64)
    outside = body("Or", body("Less", place, few), body("Not", body("Less", place, many)))
    powers = body.constant([1 << i for i in range(count)], unsigned)
    power = body("Gather", powers, body("Where", outside, few, place), axis=0)
    to_unsigned = onnx.helper.np_dtype_to_tensor_dtype(unsigned)
    inside = body("Cast", body("Not", outside), to=to_unsigned)
    minus_one = body.constant(-1, dtype) if signed else ""
    if left:
        y = body("Mul", body("Cast", x, to=to_unsigned), power)
        return body.function(body("Cast", body("Mul", y, inside), to=operation.elements(0)))
    negative = ""
    if signed:
        negative = body("Less", x, body.constant(0, dtype))
        x = body("Where", negative, body("Sub", minus_one, x), x)
    y = body("Mul", body("Div", body("Cast", x, to=to_unsigned), power), inside)
    y = body("Cast", y, to=operation.elements(0))
    if signed:
        y = body("Where", negative, body("Sub", minus_one, y), y)
    return body.function(y)


DEFINITIONS = {("", "BitShift"): _bit_shift}
