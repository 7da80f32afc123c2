"""Functions of an element that TVM knows for some types or ranks only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _sign(operation: Operation) -> onnx.FunctionProto | None:
    """TVM makes a -1 of every type; without a sign there is none."""
    from onnx import TensorProto

    if operation.dtype(0).kind != "u":
        return None
    body = Body(operation)
    positive = body("Cast", body.inputs[0], to=TensorProto.BOOL)
    return body.function(body("Cast", positive, to=operation.elements(0)))


def _celu(operation: Operation) -> onnx.FunctionProto | None:
    """ONNX's own definition makes a vector of a number without axes."""
    body = Body(operation)
    alpha = body.constant(operation.attributes["alpha"], operation.dtype(0))
    scaled = body("Elu", body("Div", body.inputs[0], alpha), alpha=1.0)
    return body.function(body("Mul", scaled, alpha))


def _prelu(operation: Operation) -> onnx.FunctionProto | None:
    """TVM's is of floats, and of slopes along one axis that is as long as the input's."""
    x, slope = operation.shape(0), operation.shape(1)
    plain = x is not None and slope is not None and len(x) > 0 and len(slope) > 0
    if plain and operation.dtype(0).kind == "f":
        return None
    body = Body(operation)
    zero = body.constant(0, operation.dtype(0))
    product = body("Mul", body.inputs[0], body.inputs[1])
    return body.function(body("Where", body("Less", body.inputs[0], zero), product, body.inputs[0]))


def _shrink(operation: Operation) -> onnx.FunctionProto | None:
    """ONNX Runtime adds the bias to integers as float32, then drops the fraction."""
    from onnx import TensorProto

    if operation.dtype(0).kind == "f":
        return None
    body = Body(operation)
    wide = body("Cast", body.inputs[0], to=TensorProto.FLOAT)
    made = body("Shrink", wide, **{k: operation.attributes[k] for k in ("bias", "lambd")})
    return body.function(body("Cast", made, to=operation.elements(0)))


DEFINITIONS = {
    ("", "Sign"): _sign,
    ("", "Celu"): _celu,
    ("", "PRelu"): _prelu,
    ("", "Shrink"): _shrink,
}
