"""Where the maxima of windows lie, and back from there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def maximum_and_place(operation: Operation) -> onnx.FunctionProto | None:
    """The places of the maxima are asked for: of each tap of the window, and the first largest."""
    shape, result = operation.shape(0), operation.output_shape()
    if shape is None or result is None:
        return None
    body, attributes = Body(operation), operation.attributes
    kernel, before, after = attributes["kernel_shape"], shape[2:], result[2:]
    rank = len(kernel)
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    read = [(n - 1) * s + r for n, s, r in zip(after, strides, reach, strict=True)]
    first = _first_pads(attributes, before, read)
    more = [max(0, r - f - n) for r, f, n in zip(read, first, before, strict=True)]
    dtype = operation.dtype(0)
    lowest = -np.inf if np.issubdtype(dtype, np.floating) else np.iinfo(dtype).min
    pads = body.constant([0, 0, *first, 0, 0, *more], np.int64)
    padded = body("Pad", body.inputs[0], pads, body.constant(lowest, dtype))

    axes = [*range(2, 2 + rank)]
    steps = body.constant(strides, np.int64)
    taps, places = [], []
    by_columns = bool(attributes["storage_order"])
    steps_of = [math.prod(before[:i] if by_columns else before[i + 1 :]) for i in range(rank)]
    for tap in itertools.product(*map(range, kernel)):
        start = [t * d for t, d in zip(tap, dilations, strict=True)]
        end = [a + (n - 1) * s + 1 for a, n, s in zip(start, after, strides, strict=True)]
        bounds = [body.constant(one, np.int64) for one in (start, end, axes)]
        taps.append(body.reshape(body("Slice", padded, *bounds, steps), [1, *result]))
        rows = [
            np.clip(np.arange(n) * s + a - f, 0, edge - 1)
            for n, s, a, f, edge in zip(after, strides, start, first, before, strict=True)
        ]
        grid = np.meshgrid(*rows, indexing="ij")
        places.append(sum(row * step for row, step in zip(grid, steps_of, strict=True)))
    largest = body("ArgMax", body("Concat", *taps, axis=0), axis=0, keepdims=1)
    table = np.broadcast_to(np.reshape(places, [len(places), 1, 1, *after]), [len(places), *result])
    table = table + np.arange(np.prod(shape[:2])).reshape(shape[:2] + (1,) * rank) * np.prod(before)
    index = body("GatherElements", body.constant(table, np.int64), largest, axis=0)
    maxima = body("MaxPool", body.inputs[0], **_given(operation))
    return body.function(maxima, body.reshape(index, result))


def _first_pads(
    attributes: dict[str, Any], before: Sequence[int], read: Sequence[int]
) -> list[int]:
    """The padding before each axis of a window that reads so far."""
    if attributes["auto_pad"] == "NOTSET":
        return list(attributes.get("pads", [0] * len(before)))[: len(before)]
    if attributes["auto_pad"] == "VALID":
        return [0] * len(before)
    totals = [max(0, r - n) for r, n in zip(read, before, strict=True)]
    upper = attributes["auto_pad"] == "SAME_UPPER"
    return [total // 2 if upper else total - total // 2 for total in totals]


def _places_filled(operation: Operation) -> onnx.FunctionProto | None:
    """Each value is written to its place in zeros."""
    shape = operation.shape(0)
    if shape is None:
        return None
    attributes, rank = operation.attributes, len(shape) - 2
    sizes = operation.constant(2)
    if operation.has(2) and sizes is None:
        return None
    if sizes is not None:
        result = [int(size) for size in sizes]
    else:
        strides = attributes.get("strides", [1] * rank)
        pads = np.reshape(attributes.get("pads", [0] * 2 * rank), (2, rank)).sum(axis=0)
        kernel = attributes["kernel_shape"]
        spatial = zip(shape[2:], strides, kernel, pads, strict=True)
        result = [*shape[:2], *((n - 1) * s + k - int(p) for n, s, k, p in spatial)]
    body = Body(operation)
    zeros = body.constant(np.zeros(int(np.prod(result))), operation.dtype(0))
    index, values = (body.reshape(name, [-1]) for name in (body.inputs[1], body.inputs[0]))
    scatter = "Scatter" if operation.opset < _SCATTER_ELEMENTS else "ScatterElements"
    filled = body(scatter, zeros, index, values, axis=0)
    return body.function(body.reshape(filled, result))


def _given(operation: Operation) -> dict[str, Any]:
    return {one.name: operation.attributes[one.name] for one in operation.node.attribute}


_SCATTER_ELEMENTS = 11
DEFINITIONS = {("", "MaxUnpool"): _places_filled}
