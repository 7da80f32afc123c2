"""Quantisation as ONNX Runtime's own operators: of 16 bits too, which ONNX has since opset 21."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.byte_values import along, integers
from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _dequantise(operation: Operation) -> onnx.FunctionProto | None:
    parameters = _parameters(operation)
    if parameters is None:
        return None
    body, scale, zero = parameters
    if operation.dtype(0).itemsize == 1 and _is_one(operation):
        inputs = [body.inputs[0], scale, *([zero] if zero else [])]
        return body.function(body("DequantizeLinear", *inputs))
    return body.function(body("Mul", integers(body, body.inputs[0], zero), scale))


def _quantise(operation: Operation) -> onnx.FunctionProto | None:
    from onnx import TensorProto
    from onnx.helper import np_dtype_to_tensor_dtype

    parameters = _parameters(operation)
    if parameters is None:
        return None
    body, scale, zero = parameters
    dtype = operation.dtype(2) if zero else np.dtype(np.uint8)
    if dtype.itemsize == 1 and _is_one(operation):
        inputs = [body.inputs[0], scale, *([zero] if zero else [])]
        return body.function(body("QuantizeLinear", *inputs))
    steps = body("Round", body("Div", body.inputs[0], scale))
    if zero:
        steps = body("Add", steps, body("Cast", zero, to=TensorProto.FLOAT))
    ends = np.iinfo(dtype)
    inside = body.clip(steps, ends.min, ends.max)
    # By way of int64: TVM writes out how a float wraps around in fewer bits, which is slow.
    whole = body("Cast", inside, to=TensorProto.INT64)
    return body.function(body("Cast", whole, to=np_dtype_to_tensor_dtype(dtype)))


def _is_one(operation: Operation) -> bool:
    return max(operation.shape(1) or (1,)) == 1


def _parameters(operation: Operation) -> tuple[Body, str, str] | None:
    """The scale and the zero point, "" where there is none, along the operation's axis."""
    body = Body(operation)
    if _is_one(operation):
        shape: tuple[int, ...] = ()
    else:
        data = operation.shape(0)
        if data is None:
            return None
        axis = operation.attributes.get("axis", 1) % len(data)
        shape = (-1, *[1] * (len(data) - axis - 1))
    scale = along(body, operation, 1, shape)
    return body, scale, along(body, operation, 2, shape) if operation.has(2) else ""


DEFINITIONS = {
    ("com.microsoft", "DequantizeLinear"): _dequantise,
    ("com.microsoft", "QuantizeLinear"): _quantise,
}
