"""Normalisations by the mean and variance of some axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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


def _rms_normalization(operation: Operation) -> onnx.FunctionProto | None:
    """TVM cannot normalise all axes together."""
    from onnx import TensorProto

    shape, attributes = operation.shape(0), operation.attributes
    if shape is None or attributes["axis"] % len(shape):
        return None
    body = Body(operation)
    x = body("Cast", body.inputs[0], to=attributes.get("stash_type", TensorProto.FLOAT))
    square = body.reduce("ReduceMean", body("Mul", x, x), range(len(shape)))
    epsilon = body("CastLike", body.constant(attributes["epsilon"], np.float32), x)
    y = body("Div", x, body("Sqrt", body("Add", square, epsilon)))
    y = body("Cast", y, to=operation.elements(0))
    return body.function(body("Mul", y, body.inputs[1]))


def _batch_normalization(operation: Operation) -> onnx.FunctionProto | None:
    """TVM normalises by the given mean and variance only, which training mode updates."""
    shape, attributes = operation.shape(0), operation.attributes
    if shape is None or not attributes.get("training_mode"):
        return None
    body = Body(operation)
    x, scale, bias, *running = body.inputs
    axes = [i for i in range(len(shape)) if i != 1]
    mean = body.reduce("ReduceMean", x, axes)
    difference = body("Sub", x, mean)
    variance = body.reduce("ReduceMean", body("Mul", difference, difference), axes)
    epsilon = body.constant(attributes["epsilon"], operation.dtype(0))
    y = body("Div", difference, body("Sqrt", body("Add", variance, epsilon)))
    channels = [1, -1, *[1] * (len(shape) - 2)]
    y = body("Mul", y, body.reshape(scale, channels))
    results = [body("Add", y, body.reshape(bias, channels))]
    momentum = attributes["momentum"]
    for old, new in zip(running, (mean, variance), strict=True):
        kept = body("Mul", old, body.constant(momentum, operation.dtype(3)))
        added = body("Cast", body.reshape(new, [-1]), to=operation.elements(3))
        added = body("Mul", added, body.constant(1 - momentum, operation.dtype(3)))
        results.append(body("Add", kept, added))
    return body.function(*results[: len(operation.node.output)])


def _group_normalization(operation: Operation) -> onnx.FunctionProto:
    """Scale and bias are one for a group, as ONNX had them before opset 21."""
    body, attributes = Body(operation), operation.attributes
    x, scale, bias = body.inputs
    groups = body.reshape(x, [0, attributes["num_groups"], -1])
    epsilon = attributes.get("epsilon", 1e-5)
    y = body("InstanceNormalization", groups, scale, bias, epsilon=epsilon)
    return body.function(body("Reshape", y, body("Shape", x)))


def _by_norm(operation: Operation) -> onnx.FunctionProto | None:
    """Divided by the sum of magnitudes or the root of the sum of squares; zeros stay zeros."""
    body, attributes = Body(operation), operation.attributes
    x, axes = body.inputs[0], [attributes["axis"]]
    if attributes["p"] == 1:
        norm = body.reduce("ReduceSum", body("Abs", x), axes)
    else:
        norm = body("Sqrt", body.reduce("ReduceSum", body("Mul", x, x), axes))
    smallest = body.constant(np.finfo(operation.dtype(0)).tiny, operation.dtype(0))
    return body.function(body("Div", x, body("Add", norm, smallest)))


DEFINITIONS = {
    ("", "LayerNormalization"): _layer_normalization,
    ("", "RMSNormalization"): _rms_normalization,
    ("", "BatchNormalization"): _batch_normalization,
    ("com.microsoft", "GroupNormalization"): _group_normalization,
    ("", "LpNormalization"): _by_norm,
}
