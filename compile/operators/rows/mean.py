"""Means of float16 numbers whose sums do not overflow and lose little."""

from __future__ import annotations

import math

import numpy as np
from tvm import relax, te, tirx, topi

# A longer row of float16 would be off by more roundings than sums in stretches are.
LONGEST_ROW = 128


def mean(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """The mean of a float16 tensor of static shape over some axes, its sum in float32.

    To widen every pixel of an image takes longer than to add them. Instead each row is averaged in
    float16, a number times the inverse of their count at a time: that cannot overflow, and a row
    is short enough to be off by few roundings. The rows' means are added up in float32.
    """
    shape = [int(edge) for edge in call.args[0].ty.shape]
    rank = len(shape)
    axes = sorted(int(axis) % rank for axis in call.attrs.axis or range(rank))
    keep = bool(call.attrs.keepdims)
    by_rows = rank == 4 and axes == [1, 2] and shape[2] <= LONGEST_ROW

    def compute(data: te.Tensor) -> te.Tensor:
        if by_rows:
            return _mean_of_rows(data, shape, keep)
        total = topi.sum(topi.cast(data, "float32"), axes, keep)
        share = tirx.const(1 / math.prod(shape[axis] for axis in axes), "float32")
        return topi.cast(total * share, "float16")

    return builder.call_te(compute, call.args[0], primfunc_name_hint="mean")


def _mean_of_rows(image: te.Tensor, shape: list[int], keep: bool) -> te.Tensor:
    """The mean of an NHWC image over rows and columns."""
    N, H, W, C = shape
    share = np.float16(1 / W)
    # What rounding the share has taken from every number is given back at the end.
    whole = 1 / (H * W * float(share))
    w, h = te.reduce_axis((0, W), "w"), te.reduce_axis((0, H), "h")
    rows = te.compute(
        (N, H, C),
        lambda n, y, c: te.sum(image[n, y, w, c] * tirx.const(float(share), "float16"), axis=w),
        name="rows",
    )
    total = te.compute(
        (N, C), lambda n, c: te.sum(rows[n, h, c].astype("float32"), axis=h), name="total"
    )

    def written(*index: tirx.Expr) -> tirx.Expr:
        value = total[index[0], index[-1]] * tirx.const(whole, "float32")
        return value.astype("float16")

    return te.compute((N, 1, 1, C) if keep else (N, C), written, name="mean")
