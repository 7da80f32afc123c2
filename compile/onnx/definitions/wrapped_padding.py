"""Paddings that go on at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _pad(operation: Operation) -> onnx.FunctionProto | None:
    """ONNX Runtime cuts off first, by paddings below zero, and goes round what is left."""
    shape, pads = operation.shape(0), operation.constant(1)
    if operation.attributes["mode"] != "wrap" or shape is None or pads is None:
        return None
    axes = operation.constant(3) if operation.has(3) else np.arange(len(shape))
    if axes is None or not (pads < 0).any():
        return None
    body = Body(operation)
    result = body.inputs[0]
    for axis, before, after in zip(axes, *np.split(pads, 2), strict=True):
        left = np.arange(max(0, -before), shape[axis] + min(0, after))
        places = np.arange(-max(0, before), len(left) + max(0, after)) % len(left)
        result = body("Gather", result, body.constant(left[places], np.int64), axis=int(axis))
    return body.function(result)


DEFINITIONS = {("", "Pad"): _pad}
