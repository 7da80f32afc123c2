"""Losses of classification, as functions of the class scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _negative_log_likelihood(operation: Operation) -> onnx.FunctionProto | None:
    if operation.shape(0) is None:
        return None
    body = Body(operation)
    return body.function(_loss(operation, body, body.inputs[0]))


def _softmax_cross_entropy(operation: Operation) -> onnx.FunctionProto | None:
    if operation.shape(0) is None:
        return None
    body = Body(operation)
    scores = body.inputs[0]
    shifted = body("Sub", scores, body.reduce("ReduceMax", scores, [1]))
    total = body.reduce("ReduceSum", body("Exp", shifted), [1])
    logarithms = body("Sub", shifted, body("Log", total))
    results = _loss(operation, body, logarithms), logarithms
    return body.function(*results[: len(operation.node.output)])


def _loss(operation: Operation, body: Body, logarithms: str) -> str:
    """The weighted logarithms of the true classes' probabilities, negated and reduced."""
    batch, _, *places = operation.shape(0) or ()
    shape, every = [batch, *places], range(1 + len(places))
    target = body("Cast", body.inputs[1], to=_INT64)
    reduction = operation.attributes["reduction"]
    ignored = operation.attributes.get("ignore_index")
    zero = body.constant(0, operation.dtype(0))
    weights = ""
    if operation.has(2):
        weights = body.inputs[2]
    elif ignored is not None:
        weights = body.constant(np.ones((operation.shape(0) or ())[1]), operation.dtype(0))
    if ignored is not None:
        hidden = body("Equal", target, body.constant(ignored, np.int64))
        target = body("Where", hidden, body.constant(0, np.int64), target)
    index = body.reshape(target, [batch, 1, *places])
    loss = body("Neg", body.reshape(body("GatherElements", logarithms, index, axis=1), shape))
    if weights:
        weights = body("Gather", weights, target, axis=0)
        if ignored is not None:
            weights = body("Where", hidden, zero, weights)
        loss = body("Mul", loss, weights)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return body.reduce("ReduceSum", loss, every, keepdims=False)
    if not weights:
        return body.reduce("ReduceMean", loss, every, keepdims=False)
    sums = (body.reduce("ReduceSum", one, every, keepdims=False) for one in (loss, weights))
    return body("Div", *sums)


_INT64 = 7
DEFINITIONS = {
    ("", "NegativeLogLikelihoodLoss"): _negative_log_likelihood,
    ("", "SoftmaxCrossEntropyLoss"): _softmax_cross_entropy,
}
