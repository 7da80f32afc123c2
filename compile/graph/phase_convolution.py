"""Convolve an upsampled image without upsampling it.

Behind a nearest resize by a factor f, a k x k window holds each source pixel up to f times. The
outputs at one place within each f x f block (a phase) are therefore a convolution of the source
itself, with a smaller kernel: the sums of the weights that meet the same pixel. For f = 2 a 5 x 5
kernel becomes four of 3 x 3, 25 multiply-adds a pixel become 9; 3 x 3 becomes 2 x 2, 9 become 4.
Zero padding stays exact, since a border of the upsampled image is a border of the source. Pixels
that an unpooling sets to zero drop out: 5 x 5 becomes 3x3, 3x2, 2x3 and 2x2.

The phases are kept apart through what follows, pointwise convolutions too, and interleaved where
something needs the whole image. Weights are added in double precision and rounded once: a result
is off by about 1e-7 of the sum of its terms' magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import tvm
from tvm import relax

from compile.graph.rule_rewriter import Rules
from compile.graph.sink_upsampling import keep_back
from compile.graph.tensors import constant_of, integers, shape_of, static_shape
from compile.graph.upsampling import Enlarged, Interleave, Masked, Resize
from compile.graph.upsampling_rewriter import Result, UpsamplingRewriter
from compile.graph.upsampling_rules import RULES, is_pointwise, pointwise


@dataclass(frozen=True)
class Phase:
    """The convolution that gives one place of each block: its OIHW kernel and zero padding."""

    kernel: np.ndarray
    padding: tuple[int, int, int, int]  # top, left, bottom, right


def phase_convolutions(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with convolutions of upsampled images by phases, and how many there are."""
    return keep_back(mod, Rules({**RULES, "relax.nn.conv2d": _convolution}))


def phases(
    weight: np.ndarray, factor: tuple[int, int], padding: tuple[int, int], mask: np.ndarray
) -> list[Phase]:
    """The phases, row by row, of a convolution behind a nearest resize times a mask.

    `weight` is OIHW, `padding` (top, left), `mask` [factor] the number that each copy of a source
    pixel is multiplied by.
    """
    rows = [_taps(place, factor[0], weight.shape[2], padding[0]) for place in range(factor[0])]
    columns = [_taps(place, factor[1], weight.shape[3], padding[1]) for place in range(factor[1])]
    return [_phase(weight, *pair, mask) for pair in product(rows, columns)]


def _taps(place: int, factor: int, size: int, padding: int) -> list[tuple[int, int]]:
    """For each tap of a window, the source pixel it meets, from the block's, and which copy."""
    return [divmod(place - padding + tap, factor) for tap in range(size)]


def _phase(
    weight: np.ndarray,
    rows: list[tuple[int, int]],
    columns: list[tuple[int, int]],
    mask: np.ndarray,
) -> Phase:
    kept = [(y, x) for y, x in product(rows, columns) if mask[y[1], x[1]]]
    down, right = [y[0] for y, _ in kept] or [0], [x[0] for _, x in kept] or [0]
    # From the first pixel that counts to the last; the block's own is always among them, so that
    # no padding is negative.
    top, bottom = min(*down, 0), max(*down, 0)
    left, end = min(*right, 0), max(*right, 0)
    kernel = np.zeros((*weight.shape[:2], bottom - top + 1, end - left + 1))
    for (i, (y, copy_y)), (j, (x, copy_x)) in product(enumerate(rows), enumerate(columns)):
        if mask[copy_y, copy_x]:
            kernel[:, :, y - top, x - left] += weight[:, :, i, j] * float(mask[copy_y, copy_x])
    return Phase(kernel.astype(weight.dtype), (-top, -left, bottom, end))


def _convolution(rewriter: UpsamplingRewriter, call: relax.Call) -> Result | None:
    value, weight = rewriter.enlarged(call.args[0]), constant_of(call.args[1])
    if value is None or weight is None or is_pointwise(call):
        return pointwise(rewriter, call) if value is None or _pays(value, call) else None
    last = value.steps[-1]
    if not isinstance(last, Resize | Masked) or last.factor is None or not _keeps_size(call):
        return None
    ones = np.ones(last.factor)
    mask = np.array(last.weights) if isinstance(last, Masked) else ones
    made = phases(weight, last.factor, integers(call.attrs.padding)[:2], mask)  # type: ignore[arg-type]
    if sum(one.kernel[0, 0].size for one in made) >= weight[0, 0].size * ones.size:
        return None
    before = Enlarged(value.sources, value.steps[:-1])
    source = rewriter.emit_whole(before) if before.steps else before.sources[0]
    outputs = [rewriter.builder.emit(_phase_call(source, one, call)) for one in made]
    rewriter.applied += 1
    return Enlarged(tuple(outputs), (Interleave(last.factor),))


def _pays(value: Enlarged, call: relax.Call) -> bool:
    """Whether a pointwise convolution may run phase by phase.

    Its weights are then read once a phase, but the image need not be interleaved before it.
    """
    image, weight = static_shape(call.args[0]), static_shape(call.args[1])
    return (len(set(value.sources)) - 1) * prod(weight) <= prod(image)


def _keeps_size(call: relax.Call) -> bool:
    attributes = call.attrs
    layouts = attributes.data_layout, attributes.kernel_layout
    steps = {*integers(attributes.strides), *integers(attributes.dilation)}
    before, after = shape_of(call.args[0]), shape_of(call)
    if layouts != ("NCHW", "OIHW") or steps != {1} or before is None or after is None:
        return False
    return before[2:] == after[2:]


def _phase_call(source: relax.Expr, phase: Phase, call: relax.Call) -> relax.Expr:
    return relax.op.nn.conv2d(
        source,
        relax.const(phase.kernel, str(phase.kernel.dtype)),
        padding=list(phase.padding),
        groups=int(call.attrs.groups),
        data_layout="NCHW",
        kernel_layout="OIHW",
        out_dtype=call.attrs.out_dtype,
    )
