"""Products of tensors that are quantised while the model runs, as exact products of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compile.onnx.byte_values import along, integers
from compile.onnx.definitions.fused_products import chosen
from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx

_CONVOLUTION = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
_STEPS = 255
# ONNX can round since this opset.
_ROUNDS = 11


def _quantise(operation: Operation) -> onnx.FunctionProto:
    """Bytes, their scale and their zero point, from the least and the greatest number."""
    from onnx import TensorProto

    body = Body(operation)
    steps, scale, zero = _dynamic(body, body.inputs[0])
    one = body.constant(1, "float32")
    bytes_ = body("QuantizeLinear", steps, one, body.constant(0, "uint8"))
    return body.function(bytes_, scale, body("Cast", zero, to=TensorProto.UINT8))


def _dynamic(body: Body, x: str) -> tuple[str, str, str]:
    """Whole steps from 0 to 255, if in range; the scale and the zero point; all float32."""
    above = body("Relu", body("ReduceMax", x, keepdims=0))
    below = body("Relu", body("Neg", body("ReduceMin", x, keepdims=0)))
    width = body("Add", above, below)
    step = body("Div", width, body.constant(_STEPS, "float32"))
    some = body("Greater", width, body.constant(0, "float32"))
    scale = body("Where", some, step, body.constant(1, "float32"))
    zero = body("Round", body("Div", below, scale))
    return body("Add", body("Round", body("Div", x, scale)), zero), scale, zero


def _matmul_integer(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    product = whole_product(body, operation, (0, 2), (1, 3))
    return body.function(_as_int32(body, product))


def _conv_integer(operation: Operation) -> onnx.FunctionProto | None:
    shape = operation.shape(1)
    if shape is None:
        return None
    body = Body(operation)
    channels = (-1, *[1] * (len(shape) - 1))
    origin = along(body, operation, 3, channels) if operation.has(3) else ""
    x = whole_bytes(body, operation, 0, 2)
    w = integers(body, body.inputs[1], origin)
    y = body("Conv", x, w, **chosen(operation, _CONVOLUTION))
    return body.function(_as_int32(body, y))


def _matmul_to_float(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    product = whole_product(body, operation, (0, 4), (1, 5))
    scale = body("Mul", *(along(body, operation, place, (-1,)) for place in (2, 3)))
    y = body("Mul", product, scale)
    return body.function(body("Add", y, body.inputs[6]) if operation.has(6) else y)


def _dynamic_matmul(operation: Operation) -> onnx.FunctionProto | None:
    if operation.opset < _ROUNDS:
        return None
    body = Body(operation)
    steps, scale, zero = _dynamic(body, body.inputs[0])
    one, origin = body.constant(1, "float32"), body.constant(0, "uint8")
    bytes_ = body("QuantizeLinear", steps, one, origin)
    x = body("Sub", body("DequantizeLinear", bytes_, one, origin), zero)
    columns = along(body, operation, 3, (-1,)) if operation.has(3) else ""
    product = body("MatMul", x, integers(body, body.inputs[1], columns))
    y = body("Mul", product, body("Mul", scale, along(body, operation, 2, (-1,))))
    return body.function(body("Add", y, body.inputs[4]) if operation.has(4) else y)


def _as_int32(body: Body, x: str) -> str:
    """By way of int64: TVM writes out how a float wraps around in fewer bits, which is slow."""
    from onnx import TensorProto

    return body("Cast", body("Cast", x, to=TensorProto.INT64), to=TensorProto.INT32)


def whole_product(
    body: Body,
    operation: Operation,
    left: tuple[int, int],
    right: tuple[int, int],
    rows: Sequence[int] = (-1,),
) -> str:
    """The product of two operands of bytes, given with their zero points.

    The first's zero points are of the whole, or of each row, which then go along `rows`.
    """
    data, zero = right
    columns = along(body, operation, zero, (-1,)) if operation.has(zero) else ""
    return body(
        "MatMul",
        whole_bytes(body, operation, *left, rows),
        integers(body, body.inputs[data], columns),
    )


def whole_bytes(
    body: Body, operation: Operation, data: int, zero: int, rows: Sequence[int] = (-1,)
) -> str:
    """Bytes less their zero point, in the form that products of bytes are made from."""
    from onnx import TensorProto

    one, origin = body.constant(1, "float32"), body.constant(0, operation.dtype(data))
    x = body("DequantizeLinear", body.inputs[data], one, origin)
    if not operation.has(zero):
        return x
    origin = along(body, operation, zero, rows)
    return body("Sub", x, body("Cast", origin, to=TensorProto.FLOAT))


DEFINITIONS = {
    ("", "DynamicQuantizeLinear"): _quantise,
    ("", "MatMulInteger"): _matmul_integer,
    ("", "ConvInteger"): _conv_integer,
    ("com.microsoft", "MatMulIntegerToFloat"): _matmul_to_float,
    ("com.microsoft", "DynamicQuantizeMatMul"): _dynamic_matmul,
}
