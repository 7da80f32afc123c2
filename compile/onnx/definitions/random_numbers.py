"""Operators that draw random numbers, which no two programs draw alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compile.onnx.function_body import Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _dropout(operation: Operation) -> onnx.FunctionProto | None:
    """Nothing is dropped outside of training, or at a ratio of zero."""
    training, ratio = operation.constant(2), operation.constant(1)
    if not operation.has(2) or (training is not None and not training):
        return None
    if training is None or not operation.has(1) or ratio is None or ratio:
        return _refused(operation)
    return None


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
