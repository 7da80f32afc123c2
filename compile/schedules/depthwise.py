"""Depthwise convolutions: one filter a channel, any kernel, stride, padding and dilation.

Channels are the vector; a few pixels of a row accumulate in registers over the unrolled kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax, te, tirx
from tvm.s_tir import Schedule

from compile.lowering import peel_edges
from compile.schedules import schedule_utils
from compile.schedules.conv2d import Window
from compile.schedules.tiles import padded
from compile.targets import Target

FAMILY = "depthwise"
# Of one input.
IMAGE_BYTES = "compile.image_bytes"
MAX_PIXELS = 8
# How many vectors and rows are taken in turn before the next pixels of a row.
MAX_VECTORS = 6
MAX_ROWS = 7
# A larger kernel is looped over its rows rather than unrolled whole.
MAX_UNROLLED_KERNEL = 25


def convolution(builder: relax.BlockBuilder, call: Any, weight: np.ndarray, target: Target) -> Any:
    """A depthwise convolution, NHWC; `weight` is [kernel height, kernel width, channels]."""
    KH, KW, C = weight.shape
    N, H, W = [int(edge) for edge in call.ty.shape][:3]
    window = Window.of(call, (KH, KW))
    lanes = min(target.vector_lanes, C)
    channels, pixels = padded(C, lanes), choose_pixels(W)
    columns = padded(W, pixels)
    filters = np.zeros((KH, KW, channels), weight.dtype)
    filters[:, :, :C] = weight
    height, width = [int(edge) for edge in call.args[0].ty.shape][1:3]
    (down, right), (lower, later), (top, left) = window.strides, window.dilation, window.padding[:2]
    # Of tiles of a row, those that read beyond its ends, and beyond its columns.
    first = -(-left // (right * pixels))
    inside = max(0, (width - 1 + left - (KW - 1) * later) // right + 1) // pixels
    last = columns // pixels - min(inside, W // pixels)

    def compute(data: te.Tensor, filter_: te.Tensor) -> te.Tensor:
        ky, kx = te.reduce_axis((0, KH), "ky"), te.reduce_axis((0, KW), "kx")

        def product(n: Any, h: Any, w: Any, c: Any) -> Any:
            row, column = h * down + ky * lower - top, w * right + kx * later - left
            checks = [row >= 0, row < height, column >= 0, column < width]
            if channels != C:
                checks.append(c < C)
            zero = tirx.const(0, data.dtype)
            pixel = te.if_then_else(te.all(*checks), data[n, row, column, c], zero)
            return te.sum(pixel * filter_[ky, kx, c], axis=[ky, kx])

        notes = {
            schedule_utils.FAMILY: FAMILY,
            schedule_utils.MACS: N * H * W * weight.size,
            "compile.pixels": pixels,
            "compile.lanes": lanes,
            "compile.first": first,
            "compile.last": last,
            "compile.rest": C % lanes,
            IMAGE_BYTES: target.element_bytes * height * width * C,
        }
        accumulated = te.compute((N, H, columns, channels), product, name="accumulate", attrs=notes)
        return te.compute((N, H, W, C), lambda *i: accumulated[i], name="unpack")

    return builder.call_te(
        compute, call.args[0], relax.const(filters), primfunc_name_hint="depthwise"
    )


def choose_pixels(columns: int) -> int:
    """Pixels of a row held at once: the most that wastes the least padding."""
    choices = range(1, min(MAX_PIXELS, columns) + 1)
    return min(choices, key=lambda n: (padded(columns, n) / columns + 0.1 / n, -n))


def schedule(sch: Schedule, target: Target) -> None:
    """Tiles of a few pixels and a vector; a few vectors and rows share what the first cache holds.

    An image beyond the second cache is read once, with all of its channels.
    """
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    end = schedule_utils.fold_epilogue(sch, sch.get_sblock("unpack"))
    streams = notes[IMAGE_BYTES] > target.l2_bytes // 2
    hold(sch, accumulate, end, notes, most_vectors=None if streams else MAX_VECTORS)


def hold(
    sch: Schedule, accumulate: Any, end: Any, notes: dict[str, Any], most_vectors: int | None
) -> None:
    """Order the loops of the sums and write them through `end`, which may lie under outer loops.

    `most_vectors` are taken in turn before the next pixels of a row: all where None.
    """
    lanes, rest = notes["compile.lanes"], notes["compile.rest"]
    (n, h, w, c), (ky, kx) = schedule_utils.spatial_and_reduced(sch, accumulate)
    outside = len(sch.get_loops(accumulate)) - 6
    columns, pixels = sch.split(w, [None, notes["compile.pixels"]])
    vectors, lane = sch.split(c, [None, lanes])
    count, height = schedule_utils.extent(sch, vectors), schedule_utils.extent(sch, h)
    all_at_once = most_vectors is None or rest
    near = count if all_at_once else schedule_utils.largest_divisor(count, most_vectors or 1)
    far, near = sch.split(vectors, [None, near])
    bands, rows = sch.split(h, [None, schedule_utils.largest_divisor(height, MAX_ROWS)])
    kernel = schedule_utils.extent(sch, ky) * schedule_utils.extent(sch, kx)
    around = [n, far, bands, columns, rows, near]
    sch.reorder(*around, ky, kx, pixels, lane)
    sch.reverse_compute_at(end, near, preserve_unit_loops=True)
    sch.vectorize(lane)
    schedule_utils.unroll_all(
        sch, [ky, kx, pixels] if kernel <= MAX_UNROLLED_KERNEL else [kx, pixels]
    )
    sch.decompose_reduction(accumulate, ky)
    *written, channels = sch.get_loops(end)[outside + len(around) :]
    sch.vectorize(channels)
    schedule_utils.unroll_all(sch, written)
    peel_edges.mark(sch, columns, notes["compile.first"], notes["compile.last"])
    if rest:
        peel_edges.mark(sch, near, 0, 1, rest)
