"""Depthwise convolutions: one filter a channel, any kernel, stride, padding and dilation."""

from __future__ import annotations

import numpy as np
from tvm import relax, te, tirx

from compile.operators.annotations import FAMILY, FIRST_EDGE, IMAGE_BYTES, LAST_EDGE, MACS, REST
from compile.operators.convolution import Window
from compile.operators.tiles import LANES, PIXELS, padded
from compile.targets import Target

DEPTHWISE = "depthwise"
MAX_PIXELS = 8


def convolution(
    builder: relax.BlockBuilder, call: relax.Call, weight: np.ndarray, target: Target
) -> relax.Expr:
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
    first, last = window.edge_tiles(width, W, pixels)

    def compute(data: te.Tensor, filter_: te.Tensor) -> te.Tensor:
        ky, kx = te.reduce_axis((0, KH), "ky"), te.reduce_axis((0, KW), "kx")

        def product(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
            row, column = h * down + ky * lower - top, w * right + kx * later - left
            checks = [row >= 0, row < height, column >= 0, column < width]
            if channels != C:
                checks.append(c < C)
            zero = tirx.const(0, data.dtype)
            pixel = te.if_then_else(te.all(*checks), data[n, row, column, c], zero)
            return te.sum(pixel * filter_[ky, kx, c], axis=[ky, kx])

        notes = {
            FAMILY: DEPTHWISE,
            MACS: N * H * W * weight.size,
            PIXELS: pixels,
            LANES: lanes,
            FIRST_EDGE: first,
            LAST_EDGE: last,
            REST: C % lanes,
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
