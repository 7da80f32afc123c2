"""Random operators that place elements anew: reshapes, slices, gathers, pads."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from onnx import helper

from random_models.draw import Draw, Drawer

_DTYPES = ("float32", "float32", "float32", "int64", "int32", "uint8", "bool", "float16")


def _any(draw: Draw, low: int = 1, high: int = 5) -> tuple[str, list[int]]:
    shape = draw.shape(low, high)
    return draw.input(shape, draw.one_of(_DTYPES)), shape


def reshape(draw: Draw) -> None:
    """Reshape, with an edge of -1 and zeros that keep one."""
    x, shape = _any(draw)
    flat = [factor for edge in shape for factor in _factors(edge)]
    count = draw.integer(1, 4)
    places = draw.random.integers(0, count, len(flat))
    target = [prod([f for f, p in zip(flat, places, strict=True) if p == i]) for i in range(count)]
    if draw.chance(0.3):
        target[draw.integer(0, count - 1)] = -1
    if draw.chance(0.2):
        target = [0, -1]
    draw.node("Reshape", [x, draw.constant(target, "int64")])


def _factors(number: int) -> list[int]:
    for factor in range(2, number):
        if number % factor == 0:
            return [factor, *_factors(number // factor)]
    return [number]


def flatten(draw: Draw) -> None:
    """Flatten at any axis."""
    x, shape = _any(draw)
    axis = draw.integer(-len(shape) if draw.opset >= 11 else 0, len(shape))
    draw.node("Flatten", [x], **draw.some(axis=axis) if len(shape) == 1 else {"axis": axis})


def squeeze(draw: Draw) -> None:
    """Squeeze of the axes given, or of all of length one."""
    shape = [1 if draw.chance(0.5) else draw.integer(2, 5) for _ in range(draw.integer(1, 5))]
    x = draw.input(shape, draw.one_of(_DTYPES))
    ones = [i for i, edge in enumerate(shape) if edge == 1 and draw.chance(0.7)]
    axes = [i - len(shape) if draw.opset >= 11 and draw.chance(0.3) else i for i in ones]
    _with_axes(draw, "Squeeze", x, axes)


def unsqueeze(draw: Draw) -> None:
    """Unsqueeze at any axes."""
    x, shape = _any(draw, 0, 3)
    rank = len(shape) + draw.integer(1, 2)
    count = rank - len(shape)
    axes = [int(i) for i in draw.random.permutation(rank)[:count]]
    if draw.opset >= 11:
        axes = [i - rank if draw.chance(0.3) else i for i in axes]
    else:
        axes.sort()
    _with_axes(draw, "Unsqueeze", x, axes)


def _with_axes(draw: Draw, operator: str, x: str, axes: list[int]) -> None:
    if draw.opset >= 13:
        draw.node(operator, [x, draw.constant(axes, "int64")] if axes else [x])
    else:
        draw.node(operator, [x], **({"axes": axes} if axes else {}))


def transpose(draw: Draw) -> None:
    """Transpose, reversed where no order is given."""
    x, shape = _any(draw)
    draw.node("Transpose", [x], **draw.some(perm=draw.random.permutation(len(shape)).tolist()))


def expand(draw: Draw) -> None:
    """Expand to a shape that broadcasts with the input's."""
    shape = [1 if draw.chance(0.5) else draw.integer(1, 5) for _ in range(draw.integer(0, 4))]
    target = [draw.integer(1, 5) if edge == 1 and draw.chance(0.7) else edge for edge in shape]
    target = [1 if draw.chance(0.2) else edge for edge in target]
    target = draw.shape(0, 1, 4) + target if draw.chance(0.3) else target
    x = draw.input(shape, draw.one_of(_DTYPES))
    draw.node("Expand", [x, draw.constant(target, "int64")])


def tile(draw: Draw) -> None:
    """Tile by one to three along each axis."""
    x, shape = _any(draw, 1, 4)
    draw.node("Tile", [x, draw.constant([draw.integer(1, 3) for _ in shape], "int64")])


def concat(draw: Draw) -> None:
    """Concat of one to four along any axis."""
    shape, dtype = draw.shape(), draw.one_of(_DTYPES)
    axis = draw.axis(len(shape))
    names = []
    for place in range(draw.integer(1, 4)):
        own = list(shape)
        own[axis] = draw.integer(1, 6)
        names.append(draw.operand(own, dtype, 0.3) if place else draw.input(own, dtype))
    draw.node("Concat", names, axis=axis)


def split(draw: Draw) -> None:
    """Split in equal parts or by sizes."""
    shape = draw.shape()
    axis = draw.axis(len(shape))
    count = draw.integer(1, 4)
    sizes = [draw.integer(1, 4) for _ in range(count)]
    attributes = {"axis": axis} if axis else draw.some(axis=0)
    if draw.chance(0.5):
        shape[axis] = sum(sizes)
        x = draw.input(shape, draw.one_of(_DTYPES))
        if draw.opset < 13:
            draw.results("Split", [x], count, split=sizes, **attributes)
        else:
            draw.results("Split", [x, draw.constant(sizes, "int64")], count, **attributes)
        return
    last = draw.opset >= 18 and draw.chance(0.5)
    shape[axis] = count * draw.integer(2, 4) - (1 if last else 0)
    if draw.opset >= 18:
        attributes["num_outputs"] = count
    x = draw.input(shape, draw.one_of(_DTYPES))
    draw.results("Split", [x], count, **attributes)


def slice_(draw: Draw) -> None:
    """Slice with bounds beyond the ends, negative bounds and negative steps."""
    x, shape = _any(draw)
    axes = draw.axes(len(shape))
    starts, ends, steps = [], [], []
    for axis in axes:
        edge = shape[axis]
        start = draw.integer(0, edge - 1)
        end = draw.integer(start + 1, edge)
        step = draw.one_of([1, 1, 1, 2, 3])
        if draw.opset >= 10 and draw.chance(0.25):
            start, end, step = end - 1, start - 1, -step
            end = -edge - 1 - draw.integer(0, 2) if end < 0 else end
        elif draw.chance(0.25):
            end = draw.one_of([2**31 - 1, edge + 3, 2**62])
        if draw.chance(0.25) and start >= 0:
            start -= edge
        starts.append(start)
        ends.append(end)
        steps.append(step)
    if draw.opset < 10:
        draw.node("Slice", [x], starts=starts, ends=ends, axes=axes)
        return
    names = [x, draw.constant(starts, "int64"), draw.constant(ends, "int64")]
    names.append(draw.constant(axes, "int64"))
    if draw.chance(0.7) or any(step != 1 for step in steps):
        names.append(draw.constant(steps, "int64"))
    draw.node("Slice", names)


def _indices(draw: Draw, shape: list[int], edge: int) -> str:
    if draw.chance(0.2) and edge >= 2:
        return draw.input(shape, draw.one_of(["int64", "int32"]))
    least = -edge if draw.opset >= 11 else 0
    values = draw.random.integers(least, edge, shape)
    return draw.constant(values, draw.one_of(["int64", "int32"]))


def gather(draw: Draw) -> None:
    """Gather along any axis, by indices of any rank."""
    x, shape = _any(draw, 1, 4)
    axis = draw.axis(len(shape))
    indices = _indices(draw, draw.shape(0, 2, 4), shape[axis])
    draw.node("Gather", [x, indices], **{"axis": axis} if axis else draw.some(axis=0))


def gather_elements(draw: Draw) -> None:
    """GatherElements along any axis."""
    x, shape = _any(draw, 1, 4)
    axis = draw.axis(len(shape))
    index = [draw.integer(1, edge) for edge in shape]
    index[axis] = draw.integer(1, 6)
    draw.node("GatherElements", [x, _indices(draw, index, shape[axis])], axis=axis)


def gather_nd(draw: Draw) -> None:
    """GatherND of parts of any rank, in batches."""
    x, shape = _any(draw, 1, 4)
    batch = draw.integer(0, min(1, len(shape) - 1)) if draw.opset >= 12 else 0
    depth = draw.integer(1, len(shape) - batch)
    outer = [*shape[:batch], *draw.shape(0 if batch else 1, 2, 3)]
    columns = [draw.random.integers(0, edge, outer) for edge in shape[batch : batch + depth]]
    indices = draw.constant(np.stack(columns, axis=-1), "int64")
    draw.node("GatherND", [x, indices], **({"batch_dims": batch} if batch else {}))


def _reduction(draw: Draw) -> dict[str, Any]:
    known = {16: ["none", "add", "mul"], 18: ["none", "add", "mul", "max", "min"]}
    allowed = [names for since, names in known.items() if draw.opset >= since]
    return draw.some(reduction=draw.one_of(allowed[-1])) if allowed else {}


def scatter_elements(draw: Draw) -> None:
    """ScatterElements; indices are used once where nothing is reduced."""
    shape = draw.shape(1, 4)
    axis = draw.axis(len(shape))
    index = [draw.integer(1, edge) for edge in shape]
    order = np.argsort(draw.random.random([*index[:axis], shape[axis], *index[axis:][1:]]), axis)
    taken = np.take(order, range(index[axis]), axis)
    names = [draw.input(shape), draw.constant(taken, "int64"), draw.operand(list(taken.shape))]
    draw.node("ScatterElements", names, axis=axis, **_reduction(draw))


def scatter_nd(draw: Draw) -> None:
    """ScatterND; indices are used once where nothing is reduced."""
    shape = draw.shape(1, 4)
    depth = draw.integer(1, len(shape))
    all_places = np.argwhere(np.ones(shape[:depth]))
    count = draw.integer(1, min(5, len(all_places)))
    indices = draw.random.permutation(all_places)[:count]
    updates = draw.operand([count, *shape[depth:]])
    names = [draw.input(shape), draw.constant(indices, "int64"), updates]
    draw.node("ScatterND", names, **_reduction(draw))


def pad(draw: Draw) -> None:
    """Pad in every mode, some edges cut off instead."""
    x, shape = _any(draw, 1, 4)
    dtype = draw.inputs[-1].type.tensor_type.elem_type
    modes = ["constant", "constant", "reflect", "edge"] + ["wrap"] * (draw.opset >= 19)
    mode = draw.one_of(modes)
    if draw.opset < 11:
        x = draw.input(shape) if dtype != 1 else x
    axes = draw.axes(len(shape)) if draw.opset >= 18 and draw.chance(0.4) else None
    edges = [shape[axis] for axis in axes] if axes else shape
    largest = [edge - 1 if mode in ("reflect", "wrap") else 3 for edge in edges]
    least = [-((edge - 1) // 2) if draw.chance(0.15) else 0 for edge in edges]
    ends = list(zip(least * 2, largest * 2, strict=True))
    pads = [draw.integer(low, max(low, min(3, high))) for low, high in ends]
    value = draw.one_of([0.0, 1.5, -3.0])
    if draw.opset < 11:
        attributes = {"value": value} if value else {}
        draw.node("Pad", [x], pads=pads, mode=mode, **attributes)
        return
    kind = helper.tensor_dtype_to_np_dtype(draw.inputs[-1].type.tensor_type.elem_type)
    fill = "" if draw.chance(0.4) else draw.constant(np.array(abs(value)).astype(kind))
    names = [x, draw.constant(pads, "int64"), fill]
    if axes:
        names.append(draw.constant(axes, "int64"))
    draw.node("Pad", names, **{"mode": mode} if mode != "constant" else draw.some(mode=mode))


def one_hot(draw: Draw) -> None:
    """OneHot of constant or given indices."""
    shape = draw.shape(1, 3)
    depth = draw.integer(2, 6)
    values = draw.constant([0, 1] if draw.chance(0.5) else [-2, 3], "float32")
    indices = draw.input(shape, "int64")
    rank = len(shape) + 1
    attributes = draw.some(axis=draw.axis(rank))
    draw.node("OneHot", [indices, draw.constant([depth], "int64"), values], **attributes)


def eye_like(draw: Draw) -> None:
    """EyeLike times its input."""
    shape = draw.shape(2, 2)
    x = draw.input(shape)
    eye = draw.node("EyeLike", [x], **draw.some(k=draw.integer(-3, 3)))
    draw.node("Mul", [x, eye])


def trilu(draw: Draw) -> None:
    """Trilu, either triangle, from any diagonal."""
    x, _ = _any(draw, 2, 4)
    k = draw.constant(draw.integer(-4, 4), "int64") if draw.chance(0.6) else ""
    draw.node("Trilu", [x, k], **draw.some(upper=draw.integer(0, 1)))


def reverse_sequence(draw: Draw) -> None:
    """ReverseSequence by constant lengths."""
    shape = draw.shape(2, 4)
    batch = draw.integer(0, 1)
    lengths = draw.random.integers(1, shape[1 - batch] + 1, shape[batch])
    names = [draw.input(shape), draw.constant(lengths, "int64")]
    draw.node("ReverseSequence", names, batch_axis=batch, time_axis=1 - batch)


def center_crop_pad(draw: Draw) -> None:
    """CenterCropPad to smaller and larger sizes."""
    x, shape = _any(draw, 1, 4)
    axes = draw.axes(len(shape))
    size = draw.constant([draw.integer(1, 9) for _ in axes], "int64")
    draw.node("CenterCropPad", [x, size], axes=axes)


def shape(draw: Draw) -> None:
    """Shape, of some axes, times a value."""
    x, edges = _any(draw)
    attributes = draw.some(start=draw.axis(len(edges)), end=draw.axis(len(edges)))
    name = draw.node("Shape", [x], **attributes if draw.opset >= 15 else {})
    total = draw.node("ReduceProd", [name]) if draw.opset < 18 else name
    draw.node("Mul", [total, draw.input([1], "int64")])


def dropout(draw: Draw) -> None:
    """Dropout in inference."""
    attributes = draw.some(ratio=0.3) if draw.opset < 12 else {}
    count = draw.integer(1, 2)
    draw.results("Dropout", [draw.input(draw.shape())], count, **attributes)


def quantize(draw: Draw) -> None:
    """QuantizeLinear and DequantizeLinear, of a tensor or of one axis."""
    shape = draw.image()
    axis = draw.axis(4)
    each = draw.opset >= 13 and draw.chance(0.5)
    length = [shape[axis]] if each else []
    scale = draw.constant(draw.random.uniform(0.01, 0.1, length), "float32")
    dtype = draw.one_of(["int8", "uint8"])
    low = -20 if dtype == "int8" else 100
    zero = draw.constant(draw.random.integers(low, low + 40, length), dtype)
    attributes = {"axis": axis} if each else {}
    stored = draw.node("QuantizeLinear", [draw.input(shape), scale, zero], **attributes)
    if draw.chance(0.7):
        draw.node("DequantizeLinear", [stored, scale, zero], **attributes)


DRAWERS: dict[str, Drawer] = {
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Tile": tile,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Gather": gather,
    "GatherElements": gather_elements,
    "GatherND": gather_nd,
    "ScatterElements": scatter_elements,
    "ScatterND": scatter_nd,
    "Pad": pad,
    "OneHot": one_hot,
    "EyeLike": eye_like,
    "Trilu": trilu,
    "ReverseSequence": reverse_sequence,
    "CenterCropPad": center_crop_pad,
    "Shape": shape,
    "Dropout": dropout,
    "QuantizeLinear": quantize,
}
