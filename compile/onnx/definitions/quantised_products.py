"""Products of quantised tensors (QOperator form).

Matrices are multiplied as whole numbers, convolutions in float32 between their conversions. A bias
of integers is in steps of the two scales' product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.byte_values import along, dequantised, integers, quantised, weight, whole_tensor
from compile.onnx.definitions.dynamic_products import whole_bytes, whole_product
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
    rows = (-1, 1) if max(operation.shape(1) or (1,)) > 1 else (-1,)
    product = whole_product(body, operation, (0, 2), (3, 5), rows)
    scale = body("Mul", along(body, operation, 1, rows), along(body, operation, 4, (-1,)))
    return body.function(_requantised(body, operation, product, scale, (6, 7)))


def _gemm(operation: Operation) -> onnx.FunctionProto:
    """Without a scale of the result, the last two operands, the result is float32."""
    from onnx import TensorProto

    body = Body(operation)
    attributes = chosen(operation, ("alpha", "transA", "transB"))
    alpha = body.constant(attributes.pop("alpha", 1.0), "float32")
    columns = (-1, 1) if attributes.get("transB", 0) else (-1,)
    origin = along(body, operation, 5, columns) if operation.has(5) else ""
    weights = integers(body, body.inputs[3], origin)
    bias = body.constant(0, "float32")
    if operation.has(6):
        bias = body("Cast", body.inputs[6], to=TensorProto.FLOAT)
    product = body("Gemm", whole_bytes(body, operation, 0, 2), weights, bias, **attributes)
    scale = body("Mul", along(body, operation, 1, (-1,)), along(body, operation, 4, (-1,)))
    scale = body("Mul", alpha, scale)
    if operation.has(7):
        return body.function(_requantised(body, operation, product, scale, (7, 8)))
    return body.function(body("Mul", product, scale))


def _requantised(
    body: Body, operation: Operation, product: str, scale: str, result: tuple[int, int]
) -> str:
    """Bytes of a whole product, as ONNX Runtime has them: it multiplies once and rounds."""
    step, zero = result
    factor = body("Div", scale, whole_tensor(body, operation, step))
    one = body.constant(1, "float32")
    origin = body.constant(0, operation.dtype(0))
    if operation.has(zero):
        origin = whole_tensor(body, operation, zero)
    return body("QuantizeLinear", body("Mul", product, factor), one, origin)


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
