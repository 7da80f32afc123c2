"""Normalisations by the mean and variance of some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _layer_normalization(operation: Operation) -> onnx.FunctionProto | None:
    """TVM knows the first of its three results only."""
    from onnx import TensorProto

    shape = operation.shape(0)
    if shape is None or len(operation.node.output) == 1:
        return None
    body = Body(operation)
    first = operation.attributes["axis"] % len(shape)
    axes = range(first, len(shape))
    x = body("Cast", body.inputs[0], to=TensorProto.FLOAT)
    mean = body.reduce("ReduceMean", x, axes)
    difference = body("Sub", x, mean)
    variance = body.reduce("ReduceMean", body("Mul", difference, difference), axes)
    epsilon = body.constant(operation.attributes["epsilon"], "float32")
    inverse = body("Reciprocal", body("Sqrt", body("Add", variance, epsilon)))
    y = body("Cast", body("Mul", difference, inverse), to=operation.elements(0))
    y = body("Mul", y, body.inputs[1])
    if operation.has(2):
        y = body("Add", y, body.inputs[2])
    return body.function(*[y, mean, inverse][: len(operation.node.output)])


DEFINITIONS = {("", "LayerNormalization"): _layer_normalization}
