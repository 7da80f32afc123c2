"""Operators whose results, or whose repetitions, are as many as the data say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _compress(operation: Operation) -> onnx.FunctionProto | None:
    """What is kept is known where the condition is."""
    condition = operation.constant(1)
    if condition is None:
        raise InputError(
            "how much it keeps depends on the data", advice="make its condition constant"
        )
    body = Body(operation)
    kept = body.constant(np.flatnonzero(condition), np.int64)
    axis = operation.attributes.get("axis")
    x = body.reshape(body.inputs[0], [-1]) if axis is None else body.inputs[0]
    return body.function(body("Gather", x, kept, axis=axis or 0))


def _refused(reason: str, advice: str) -> Callable[[Operation], onnx.FunctionProto | None]:
    def refuse(operation: Operation) -> onnx.FunctionProto | None:
        raise InputError(reason, advice=advice)

    return refuse


_SELECT_AFTER = "end the model before it, and select in the program that uses it"
_LOOPS = "export the model with its loops written out, as tracing does"
DEFINITIONS = {
    ("", "Compress"): _compress,
    ("", "NonMaxSuppression"): _refused(
        "how many boxes it keeps depends on the data", _SELECT_AFTER
    ),
    ("", "Unique"): _refused("how many values differ depends on the data", _SELECT_AFTER),
    ("", "Loop"): _refused("how often it repeats is not known before the model runs", _LOOPS),
}
