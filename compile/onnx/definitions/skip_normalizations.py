"""Normalisations as ONNX Runtime writes them: fused with the sum before them, or of any opset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_SKIP_EPSILON = 1e-12
_EPSILON = 1e-5
# ONNX has layer normalisations since this opset.
_STANDARD = 17


def _skip_layer(operation: Operation) -> onnx.FunctionProto:
    """(x + skip + bias), normalised, times gamma, plus beta; and that sum as a fourth result."""
    return _skip(operation, beta=3, bias=4, centred=True)


def _skip_simplified(operation: Operation) -> onnx.FunctionProto:
    return _skip(operation, beta=-1, bias=3, centred=False)


def _skip(operation: Operation, *, beta: int, bias: int, centred: bool) -> onnx.FunctionProto:
    outputs = operation.node.output
    if not centred and any(outputs[1:2]):
        raise InputError("its second result, a mean, does not exist")
    body = Body(operation)
    total = body("Add", *body.inputs[:2])
    if operation.has(bias):
        total = body("Add", total, body.inputs[bias])
    epsilon = operation.attributes.get("epsilon", _SKIP_EPSILON)
    shift = [body.inputs[beta]] if beta > 0 and operation.has(beta) else []
    if centred and operation.opset >= _STANDARD and not any(outputs[1:3]):
        y = body("LayerNormalization", total, body.inputs[2], *shift, epsilon=epsilon)
        return body.function(*[y, "", "", total][: len(outputs)])
    y, mean, inverse = _normalised(body, operation, total, -1, epsilon, centred=centred)
    y = body("Mul", y, body.inputs[2])
    for one in shift:
        y = body("Add", y, one)
    return body.function(*[y, mean, inverse, total][: len(outputs)])


def _layer(operation: Operation) -> onnx.FunctionProto | None:
    return _alone(operation, centred=True)


def _simplified(operation: Operation) -> onnx.FunctionProto | None:
    return _alone(operation, centred=False)


def _alone(operation: Operation, *, centred: bool) -> onnx.FunctionProto | None:
    """Normalised from an axis on, times the scale, plus the bias; the mean and 1 / deviation."""
    body = Body(operation)
    attributes = operation.attributes
    axis, epsilon = attributes.get("axis", -1), attributes.get("epsilon", _EPSILON)
    if axis != -1 and operation.shape(0) is None:
        return None
    y, mean, inverse = _normalised(body, operation, body.inputs[0], axis, epsilon, centred=centred)
    y = body("Mul", y, body.inputs[1])
    if operation.has(2):
        y = body("Add", y, body.inputs[2])
    results = [y, mean, inverse] if centred else [y, inverse]
    return body.function(*results[: len(operation.node.output)])


def _normalised(
    body: Body, operation: Operation, x: str, axis: int, epsilon: float, *, centred: bool
) -> tuple[str, str, str]:
    """x over its deviation, with `centred` around its mean; the mean and 1 / deviation."""
    rank = len(operation.shape(0) or ())
    axes = [-1] if axis == -1 else range(axis % rank, rank)
    mean = ""
    if centred:
        mean = body.reduce("ReduceMean", x, axes)
        x = body("Sub", x, mean)
    variance = body.reduce("ReduceMean", body("Mul", x, x), axes)
    deviation = body("Sqrt", body("Add", variance, body.constant(epsilon, operation.dtype(0))))
    return body("Div", x, deviation), mean, body("Reciprocal", deviation)


DEFINITIONS = {
    ("com.microsoft", "LayerNormalization"): _layer,
    ("com.microsoft", "SimplifiedLayerNormalization"): _simplified,
    ("com.microsoft", "SkipLayerNormalization"): _skip_layer,
    ("com.microsoft", "SkipSimplifiedLayerNormalization"): _skip_simplified,
}
