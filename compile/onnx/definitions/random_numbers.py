"""Operators that draw random numbers, which no two programs draw alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _dropout(operation: Operation) -> onnx.FunctionProto | None:
    """Nothing is dropped outside of training, or at a ratio of zero."""
    training, ratio = operation.constant(2), operation.constant(1)
    trains = operation.has(2) and (training is None or bool(training))
    if trains and (not operation.has(1) or ratio is None or ratio):
        return _refused(operation)
    shape = operation.shape(0)
    if not any(operation.node.output[1:]) or shape is None:
        return None
    body = Body(operation)
    # ONNX Runtime's mask is false before opset 12, and TVM's is of the data's type.
    dtype = operation.dtype(0) if operation.opset < 10 else np.bool_
    mask = body.constant(np.full(shape, operation.opset >= 12), dtype)
    return body.function(body.inputs[0], mask)


def _refused(operation: Operation) -> onnx.FunctionProto | None:
    raise InputError("it draws random numbers", advice="export the model for inference")


DEFINITIONS = {
    ("", "Dropout"): _dropout,
    **{
        ("", name): _refused
        for name in (
            "Bernoulli",
            "Multinomial",
            "RandomNormal",
            "RandomNormalLike",
            "RandomUniform",
            "RandomUniformLike",
        )
    },
}
