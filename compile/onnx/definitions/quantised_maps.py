"""What is done to quantised tensors between products, in float32 between their conversions."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from typing import TYPE_CHECKING, Any

from compile.onnx.byte_values import dequantised, quantised, whole_tensor
from compile.onnx.definitions.fused_products import chosen
from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_POOLING = ("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides")
_LEAK = 0.01
_UNARY_INPUTS = 5


def _binary(operator: str) -> Callable[[Operation], onnx.FunctionProto]:
    def define(operation: Operation) -> onnx.FunctionProto:
        body = Body(operation)
        left = dequantised(body, operation, 0, 1, 2)
        right = dequantised(body, operation, 3, 4, 5)
        return body.function(quantised(body, operation, body(operator, left, right), 6, 7))

    return define


def _unary(operator: str, **defaults: Any) -> Callable[[Operation], onnx.FunctionProto]:
    """An operator with these attributes.

    ONNX Runtime ends the whole process where the last input is left out of the list.
    """

    def define(operation: Operation) -> onnx.FunctionProto:
        if len(operation.node.input) < _UNARY_INPUTS:
            raise InputError(
                "ONNX Runtime reads a fifth input, which it lacks",
                advice="give it the zero point of its result",
            )
        body = Body(operation)
        attributes = defaults | chosen(operation, tuple(defaults))
        y = body(operator, dequantised(body, operation, 0, 1, 2), **attributes)
        return body.function(quantised(body, operation, y, 3, 4))

    return define


def _pooling(operator: str, *names: str) -> Callable[[Operation], onnx.FunctionProto | None]:
    """An operator on images, which are NHWC with `channels_last`."""

    def define(operation: Operation) -> onnx.FunctionProto | None:
        shape = operation.shape(0)
        last = operation.attributes.get("channels_last", 0)
        if last and shape is None:
            return None
        if operation.attributes.get("ceil_mode") and operation.attributes.get("count_include_pad"):
            raise InputError(
                "it counts what lies beyond its border",
                advice="export it with count_include_pad=False",
            )
        body = Body(operation)
        rank = len(shape or ())
        x = dequantised(body, operation, 0, 1, 2)
        if last:
            x = body("Transpose", x, perm=(0, rank - 1, *range(1, rank - 1)))
        y = body(operator, x, **chosen(operation, names))
        if last:
            y = body("Transpose", y, perm=(0, *range(2, rank), 1))
        return body.function(quantised(body, operation, y, 3, 4))

    return define


def _concat(operation: Operation) -> onnx.FunctionProto:
    """The result's scale and zero point come first, then each tensor with its own."""
    body = Body(operation)
    places = range(2, len(body.inputs), 3)
    parts = [dequantised(body, operation, place, place + 1, place + 2) for place in places]
    y = body("Concat", *parts, axis=operation.attributes["axis"])
    return body.function(quantised(body, operation, y, 0, 1))


def _softmax(operation: Operation) -> onnx.FunctionProto | None:
    """ONNX Runtime rounds the steps in one to a whole number."""
    attributes = operation.attributes
    axis = attributes.get("axis", 1 if attributes["opset"] < _ONE_AXIS else -1)
    steps = operation.constant(3)
    if steps is None:
        raise InputError("its scale is computed", advice="quantise the model with constant scales")
    body = Body(operation)
    x = dequantised(body, operation, 0, 1, 2)
    if attributes["opset"] >= _ONE_AXIS:
        y = body("Softmax", x, axis=axis) if operation.opset >= _ONE_AXIS or axis == -1 else ""
    else:
        y = _flat_softmax(body, operation, x, axis)
    if not y:
        return None
    scale = body.constant(1 / floor(1 / steps.item()), "float32")
    zero = body.constant(0, operation.dtype(0))
    origin = whole_tensor(body, operation, 4) if operation.has(4) else zero
    return body.function(body("QuantizeLinear", y, scale, origin))


_ONE_AXIS = 13
"""Before this opset a softmax was over all axes from one on."""


def _flat_softmax(body: Body, operation: Operation, x: str, axis: int) -> str:
    if operation.opset < _ONE_AXIS:
        return body("Softmax", x, axis=axis)
    shape = body("Shape", x)
    flat = body("Softmax", body("Flatten", x, axis=axis), axis=-1)
    return body("Reshape", flat, shape)


def _where(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    left = dequantised(body, operation, 1, 2, 3)
    right = dequantised(body, operation, 4, 5, 6)
    y = body("Where", body.inputs[0], left, right)
    return body.function(quantised(body, operation, y, 7, 8))


DEFINITIONS = {
    ("com.microsoft", "QLinearAdd"): _binary("Add"),
    ("com.microsoft", "QLinearMul"): _binary("Mul"),
    ("com.microsoft", "QLinearSigmoid"): _unary("Sigmoid"),
    ("com.microsoft", "QLinearLeakyRelu"): _unary("LeakyRelu", alpha=_LEAK),
    ("com.microsoft", "QLinearAveragePool"): _pooling("AveragePool", *_POOLING),
    ("com.microsoft", "QLinearGlobalAveragePool"): _pooling("GlobalAveragePool"),
    ("com.microsoft", "QLinearConcat"): _concat,
    ("com.microsoft", "QLinearSoftmax"): _softmax,
    ("com.microsoft", "QLinearWhere"): _where,
}
