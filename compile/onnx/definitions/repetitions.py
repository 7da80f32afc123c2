"""Repeat, crop, pad and reverse along axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _center_crop_pad(operation: Operation) -> onnx.FunctionProto | None:
    """Each axis to a known size; an odd pixel more is cut off or added at the end."""
    shape, sizes = operation.shape(0), operation.constant(1)
    if shape is None or sizes is None:
        return None
    body = Body(operation)
    x, places = body.inputs[0], operation.attributes.get("axes", range(len(shape)))
    before, after = [0] * len(shape), [0] * len(shape)
    for place, size in zip(places, map(int, sizes), strict=True):
        axis = place % len(shape)
        more = size - shape[axis]
        if more < 0:
            first = -more // 2
            bounds = [body.constant([one], np.int64) for one in (first, first + size, axis)]
            x = body("Slice", x, *bounds)
        else:
            before[axis], after[axis] = more // 2, more - more // 2
    if any(before + after):
        x = body("Pad", x, body.constant([*before, *after], np.int64))
    return body.function(x)


def _reverse_sequence(operation: Operation) -> onnx.FunctionProto | None:
    """Row i of length n reads row n - 1 - i, and the rows from n on themselves."""
    shape = operation.shape(0)
    if shape is None or operation.opset < _GATHER_ELEMENTS:
        return None
    body = Body(operation)
    time, batch = operation.attributes["time_axis"], operation.attributes["batch_axis"]
    steps = np.arange(shape[time]).reshape([-1 if i == time else 1 for i in range(len(shape))])
    step = body.constant(steps, np.int64)
    lengths = [-1 if i == batch else 1 for i in range(len(shape))]
    length = body.reshape(body.inputs[1], lengths)
    last = body("Sub", length, body.constant(1, np.int64))
    index = body("Where", body("Less", step, length), body("Sub", last, step), step)
    index = body("Expand", index, body.constant(shape, np.int64))
    return body.function(body("GatherElements", body.inputs[0], index, axis=time))


_GATHER_ELEMENTS = 11
DEFINITIONS = {
    ("", "CenterCropPad"): _center_crop_pad,
    ("", "ReverseSequence"): _reverse_sequence,
}
