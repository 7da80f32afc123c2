"""Depthwise convolutions: one filter a channel, any kernel, stride, padding and dilation.

Channels are the vector; a few pixels of a row accumulate in registers over the unrolled kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tvm import relax, te
from tvm.s_tir import Schedule

from compile.schedules import steps
from compile.schedules.spatial import Window, bordered
from compile.schedules.tiles import lanes_for, padded
from compile.targets import Target

FAMILY = "depthwise"
# Of one vector of channels in a row of the input.
ROW_BYTES = "compile.row_bytes"
MAX_PIXELS = 8
# A larger kernel is looped over its rows rather than unrolled whole.
MAX_UNROLLED_KERNEL = 25


def convolution(builder: relax.BlockBuilder, call: Any, weight: np.ndarray, target: Target) -> Any:
    """A depthwise convolution, NHWC; `weight` is [kernel height, kernel width, channels]."""
    KH, KW, C = weight.shape
    N, H, W = [int(edge) for edge in call.ty.shape][:3]
    window = Window.of(call, (KH, KW))
    lanes = lanes_for(C, target)
    channels, pixels = padded(C, lanes), choose_pixels(W)
    columns = padded(W, pixels)
    filters = np.zeros((KH, KW, channels), weight.dtype)
    filters[:, :, :C] = weight
    height, width = window.needs(H, columns)

    def compute(data: te.Tensor, filter_: te.Tensor) -> te.Tensor:
        source = bordered(data, window, height, width, channels)
        ky, kx = te.reduce_axis((0, KH), "ky"), te.reduce_axis((0, KW), "kx")
        (down, right), (lower, later) = window.strides, window.dilation

        def product(n: Any, h: Any, w: Any, c: Any) -> Any:
            pixel = source[n, h * down + ky * lower, w * right + kx * later, c]
            return te.sum(pixel * filter_[ky, kx, c], axis=[ky, kx])

        notes = {
            steps.FAMILY: FAMILY,
            steps.MACS: N * H * W * weight.size,
            "compile.pixels": pixels,
            "compile.lanes": lanes,
            ROW_BYTES: target.element_bytes * width * lanes * down,
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
    """Vectors of channels outermost, rows in blocks that stay in the first cache.

    An image beyond the second cache is read once, in bands of whole rows, channels innermost.
    """
    accumulate = sch.get_sblock("accumulate")
    notes = steps.take_annotations(sch, accumulate)
    lanes, pixels, row_bytes = notes["compile.lanes"], notes["compile.pixels"], notes[ROW_BYTES]
    end = steps.fold_epilogue(sch, sch.get_sblock("unpack"))
    (n, h, w, c), (ky, kx) = steps.spatial_and_reduced(sch, accumulate)
    height, vectors = steps.extent(sch, h), steps.extent(sch, c) // lanes
    streams = row_bytes * vectors * height > target.l2_bytes // 2
    if streams:
        fitting = target.l2_bytes // 4 // (row_bytes * vectors)
    else:
        fitting = target.l1_bytes * 2 // 3 // row_bytes
    bands, rows = sch.split(h, [None, steps.largest_divisor(height, fitting)])
    columns, w_in = sch.split(w, [None, pixels])
    c_out, lane = sch.split(c, [None, lanes])
    around = [n, bands, rows, columns, c_out] if streams else [n, c_out, bands, rows, columns]
    kernel = steps.extent(sch, ky) * steps.extent(sch, kx)
    sch.reorder(*around, ky, kx, w_in, lane)
    sch.reverse_compute_at(end, around[-1], preserve_unit_loops=True)
    if any(sch.get(one).name_hint == "border" for one in steps.blocks(sch)):
        border = sch.get_sblock("border")
        sch.compute_at(border, bands, preserve_unit_loops=True)
        steps.vectorise_last(sch, border, target, below=2 if streams else 3)
    sch.unroll(w_in)
    sch.vectorize(lane)
    if kernel <= MAX_UNROLLED_KERNEL:
        sch.unroll(ky)
    sch.unroll(kx)
    sch.decompose_reduction(accumulate, ky)
    *rest, channels = sch.get_loops(end)[len(around) :]
    if steps.written_shape(sch, end)[-1] % lanes == 0:
        sch.vectorize(channels)
    steps.unroll_all(sch, rest)
