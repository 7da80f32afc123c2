"""Gaussian error linear units in the forms that ONNX Runtime's optimiser writes."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING, Any

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import numpy as np
    import onnx

_CUBIC = 0.044715
_QUICK = 1.702


def _gelu(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    return body.function(_exact(body, body.inputs[0], operation.dtype(0)))


def _bias_gelu(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    return body.function(_exact(body, body("Add", *body.inputs), operation.dtype(0)))


def _fast_gelu(operation: Operation) -> onnx.FunctionProto:
    """The approximation by a hyperbolic tangent."""
    body, dtype = Body(operation), operation.dtype(0)
    x = body("Add", *body.inputs) if operation.has(1) else body.inputs[0]
    cubic = body("Mul", body("Mul", x, x), body.constant(_CUBIC, dtype))
    inner = body("Mul", x, body("Add", cubic, body.constant(1, dtype)))
    gate = body("Tanh", body("Mul", inner, body.constant(sqrt(2 / pi), dtype)))
    return body.function(_gated(body, x, gate, dtype))


def _quick_gelu(operation: Operation) -> onnx.FunctionProto:
    body = Body(operation)
    x, alpha = body.inputs[0], operation.attributes.get("alpha", _QUICK)
    inner = x if alpha == 1 else body("Mul", x, body.constant(alpha, operation.dtype(0)))
    return body.function(body("Mul", x, body("Sigmoid", inner)))


def _exact(body: Body, x: str, dtype: np.dtype[Any]) -> str:
    gate = body("Erf", body("Mul", x, body.constant(sqrt(0.5), dtype)))
    return _gated(body, x, gate, dtype)


def _gated(body: Body, x: str, gate: str, dtype: np.dtype[Any]) -> str:
    """x * (1 + gate) / 2."""
    half = body("Mul", x, body.constant(0.5, dtype))
    return body("Mul", half, body("Add", gate, body.constant(1, dtype)))


DEFINITIONS = {
    ("com.microsoft", "Gelu"): _gelu,
    ("com.microsoft", "BiasGelu"): _bias_gelu,
    ("com.microsoft", "FastGelu"): _fast_gelu,
    ("com.microsoft", "QuickGelu"): _quick_gelu,
}
