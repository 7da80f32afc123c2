"""Pools and transposed convolutions whose paddings TVM works out otherwise than ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.definitions.places_of_maxima import maximum_and_place
from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _pool(operation: Operation) -> onnx.FunctionProto | None:
    """TVM rounds sizes down where the padding is more at the beginning, and forgets dilations."""
    shape, way = operation.shape(0), operation.attributes["auto_pad"]
    if shape is None or way not in ("SAME_UPPER", "SAME_LOWER"):
        return None
    kernels = operation.attributes["kernel_shape"]
    strides = operation.attributes.get("strides") or [1] * len(kernels)
    dilations = operation.attributes.get("dilations") or [1] * len(kernels)
    begins, ends = [], []
    for edge, kernel, stride, dilation in zip(shape[2:], kernels, strides, dilations, strict=True):
        last = (-(-edge // stride) - 1) * stride
        missing = max(0, last + (kernel - 1) * dilation + 1 - edge)
        more, less = missing - missing // 2, missing // 2
        begins.append(more if way == "SAME_LOWER" else less)
        ends.append(less if way == "SAME_LOWER" else more)
    return _with(operation, {"auto_pad": None, "ceil_mode": None, "pads": begins + ends})


def _norm_pool(operation: Operation) -> onnx.FunctionProto | None:
    """TVM divides by what is inside of the image, and multiplies by the whole window.

    Zeros beyond the image add nothing to a norm.
    """
    shape, ceil = operation.shape(0), operation.attributes.get("ceil_mode")
    if shape is None or not ceil or operation.attributes["auto_pad"].startswith("SAME"):
        return _pool(operation)
    kernels = operation.attributes["kernel_shape"]
    axes = len(kernels)
    strides = operation.attributes.get("strides") or [1] * axes
    dilations = operation.attributes.get("dilations") or [1] * axes
    valid = operation.attributes["auto_pad"] == "VALID"
    pads = [0] * 2 * axes if valid else operation.attributes.get("pads") or [0] * 2 * axes
    begins, ends = pads[:axes], pads[axes:]
    windows = zip(shape[2:], kernels, strides, dilations, begins, ends, strict=True)
    beyond = []
    for edge, kernel, stride, dilation, begin, end in windows:
        reach = (kernel - 1) * dilation + 1
        last = -(-(edge + begin + end - reach) // stride) * stride
        if last >= edge + begin:
            last -= stride
        beyond.append(max(0, last + reach - edge - begin))
    body = Body(operation)
    before, after = ([0, 0, *sides] for sides in (begins, beyond))
    padded = body("Pad", body.inputs[0], body.constant([*before, *after], np.int64))
    changed = {"auto_pad": None, "ceil_mode": None, "pads": None}
    return _with(operation, changed, body, padded)


def _max_pool(operation: Operation) -> onnx.FunctionProto | None:
    return maximum_and_place(operation) if len(operation.node.output) > 1 else _pool(operation)


def _transposed_convolution(operation: Operation) -> onnx.FunctionProto | None:
    """TVM does not know `output_shape`: it is a matter of paddings."""
    wanted = operation.attributes.get("output_shape")
    shape, weight = operation.shape(0), operation.shape(1)
    if not wanted or shape is None or weight is None:
        return None
    axes = len(shape) - 2
    given = {
        name: operation.attributes.get(name) or [default] * axes
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    }
    begins, ends, paddings = [], [], []
    for axis, after in enumerate(wanted[-axes:]):
        stride, dilation, more = (values[axis] for values in given.values())
        reached = stride * (shape[2 + axis] - 1) + (weight[2 + axis] - 1) * dilation + 1
        cut = reached + more - after
        if cut < 0 and more - cut >= max(stride, dilation):
            raise InputError("it makes more pixels than its weights reach")
        paddings.append(more - min(cut, 0))
        cut = max(cut, 0)
        upper = operation.attributes["auto_pad"] == "SAME_UPPER"
        begins.append(cut // 2 if upper else cut - cut // 2)
        ends.append(cut - begins[-1])
    changed = {"output_shape": None, "auto_pad": None, "output_padding": paddings}
    return _with(operation, {**changed, "pads": begins + ends})


def _with(
    operation: Operation, changed: dict[str, Any], body: Body | None = None, *inputs: str
) -> onnx.FunctionProto:
    """The same operator with other attributes; None leaves one out."""
    names = {one.name for one in operation.node.attribute}
    attributes = {name: operation.attributes[name] for name in names} | changed
    kept = {name: value for name, value in attributes.items() if value is not None}
    body = body or Body(operation)
    return body.function(body(operation.node.op_type, *(inputs or body.inputs), **kept))


DEFINITIONS = {
    ("", "MaxPool"): _max_pool,
    ("", "AveragePool"): _pool,
    ("", "LpPool"): _norm_pool,
    ("", "ConvTranspose"): _transposed_convolution,
}
