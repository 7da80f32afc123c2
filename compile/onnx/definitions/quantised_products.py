"""Products of quantised tensors (QOperator form), as float32 ones between their conversions.

A bias of integers is in steps of the two scales' product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.byte_values import along, dequantised, quantised, weight
from compile.onnx.definitions.fused_products import chosen
from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx

_CONVOLUTION = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")


def _convolution(operation: Operation) -> onnx.FunctionProto | None:
    """With `channels_last`, ONNX Runtime's own form, the first operand and the result are NHWC."""
    shape = operation.shape(3)
    if shape is None:
        return None
    body = Body(operation)
    spatial = len(shape) - 2
    last = bool(operation.attributes.get("channels_last", 0))
    x = dequantised(body, operation, 0, 1, 2)
    if last:
        x = body("Transpose", x, perm=(0, spatial + 1, *range(1, spatial + 1)))
    channels = (-1, *[1] * (spatial + 1))
    operands = [x, weight(body, operation, (3, 4, 5), channels)]
    if operation.has(8):
        operands.append(_bias(body, operation, 8, scales=(1, 4)))
    y = body("Conv", *operands, **chosen(operation, _CONVOLUTION))
    if last:
        y = body("Transpose", y, perm=(0, *range(2, spatial + 2), 1))
    return body.function(quantised(body, operation, y, 6, 7))


def _matmul(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    x = weight(body, operation, (0, 1, 2), (-1, 1)) if _by_row(operation) else ""
    x = x or dequantised(body, operation, 0, 1, 2)
    y = body("MatMul", x, weight(body, operation, (3, 4, 5), (-1,)))
    return body.function(quantised(body, operation, y, 6, 7))


def _by_row(operation: Operation) -> bool:
    return max(operation.shape(1) or (1,)) > 1


def _gemm(operation: Operation) -> onnx.FunctionProto:
    """Without a scale of the result, the last two operands, the result is float32."""
    body = Body(operation)
    attributes = chosen(operation, ("alpha", "transA", "transB"))
    columns = (-1, 1) if attributes.get("transB", 0) else (-1,)
    operands = [
        dequantised(body, operation, 0, 1, 2),
        weight(body, operation, (3, 4, 5), columns),
    ]
    bias = body.constant(0, "float32")
    if operation.has(6):
        alpha = body.constant(attributes.get("alpha", 1.0), "float32")
        bias = body("Mul", _bias(body, operation, 6, scales=(1, 4)), alpha)
    y = body("Gemm", *operands, bias, **attributes)
    return body.function(quantised(body, operation, y, 7, 8) if operation.has(7) else y)


def _bias(body: Body, operation: Operation, place: int, scales: tuple[int, int]) -> str:
    from onnx import TensorProto

    image, weights = (along(body, operation, scale, (-1,)) for scale in scales)
    wide = body("Cast", body.inputs[place], to=TensorProto.FLOAT)
    return body("Mul", wide, body("Mul", image, weights))


DEFINITIONS = {
    ("", "QLinearConv"): _convolution,
    ("", "QLinearMatMul"): _matmul,
    ("com.microsoft", "QLinearConv"): _convolution,
    ("com.microsoft", "QGemm"): _gemm,
}
