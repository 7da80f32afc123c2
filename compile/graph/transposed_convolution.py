"""Compute transposed convolutions as convolutions of the image that is not enlarged; exact.

Output pixel q * s + p of a transposed convolution by stride s meets only the taps t of its kernel
with t = p + padding (mod s), whatever q is. The pixels of one place p within every s x s block (a
phase) are therefore an ordinary convolution of the input by those taps, turned round. All phases
together take the multiply-adds of the original; those of the same window run as one convolution,
which is a plain matrix product where kernel and stride are equal. One copy weaves them together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, shape_of, static_shape


@dataclass(frozen=True)
class Taps:
    """The taps of a kernel's axis that one phase meets, the last first, and the padding they need.

    A tap beyond the kernel's end stands for a zero.
    """

    taps: tuple[int, ...]
    before: int
    after: int


def transposed_convolutions(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with transposed convolutions by constant weights as convolutions, and how many."""
    return translate_counting(mod, lambda builder, _: _Phases(builder))


def phase_taps(
    size: int, stride: int, padding: int, length: int, result: int
) -> tuple[list[Taps], int]:
    """The taps of each phase along an axis of `length`, and where the result begins.

    `size` is the kernel's extent, `padding` what is cut off in front of the `result`. The result
    begins at zero unless a phase would have to leave out some of the input.
    """
    taps = _phases_of_axis(size, stride, padding, length, -(-result // stride))
    if min(min(one.before, one.after) for one in taps) >= 0:
        return taps, 0
    blocks = max(length, -(-(padding + result) // stride))
    return _phases_of_axis(size, stride, 0, length, blocks), padding


def _phases_of_axis(size: int, stride: int, padding: int, length: int, blocks: int) -> list[Taps]:
    found = []
    for place in range(stride):
        first, shift = (place + padding) % stride, (place + padding) // stride
        count = max(1, -(-(size - first) // stride))
        taps = tuple(first + stride * back for back in reversed(range(count)))
        found.append(Taps(taps, count - 1 - shift, blocks + shift - length))
    return found


class _Phases(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        if not is_operator(value, "nn.conv2d_transpose"):
            return None
        made = self._phases(value, shape_of(var))
        self.applied += made is not None
        return made

    def _phases(self, call: relax.Call, result: list[int] | None) -> relax.Expr | None:
        weight, image = constant_of(call.args[1]), shape_of(call.args[0])
        layouts = call.attrs.data_layout, call.attrs.kernel_layout
        if weight is None or image is None or result is None or layouts != ("NCHW", "IOHW"):
            return None
        weight = _dilated(weight, integers(call.attrs.dilation))
        strides, padding = integers(call.attrs.strides), integers(call.attrs.padding)
        (rows, top), (columns, left) = (
            phase_taps(weight.shape[2 + i], strides[i], padding[i], image[2 + i], result[2 + i])
            for i in (0, 1)
        )
        outputs = self._convolve(call, weight, list(product(rows, columns)))
        return self._woven(outputs, strides, int(call.attrs.groups), result, (top, left))

    def _convolve(
        self, call: relax.Call, weight: np.ndarray, phases: list[tuple[Taps, Taps]]
    ) -> list[tuple[relax.Expr, list[int]]]:
        """The phases of each window by one convolution, with their places in order."""
        groups = int(call.attrs.groups)
        alike: dict[Any, list[int]] = defaultdict(list)
        for place, (rows, columns) in enumerate(phases):
            window = (len(rows.taps), rows.before, rows.after)
            # What is depthwise stays so, one phase at a time.
            own = place if groups == weight.shape[0] > 1 else 0
            alike[own, *window, len(columns.taps), columns.before, columns.after].append(place)
        outputs = []
        for (_, _, top, bottom, _, left, right), members in alike.items():
            kernels = [_kernel(weight, *phases[place]) for place in members]
            kernel = np.stack(kernels)  # [phase, inputs, outputs of a group, height, width]
            count, inputs, wide, height, width = kernel.shape
            kernel = kernel.reshape(count, groups, inputs // groups, wide, height, width)
            kernel = kernel.transpose(1, 0, 3, 2, 4, 5)
            kernel = kernel.reshape(-1, inputs // groups, height, width)
            convolved = relax.op.nn.conv2d(
                call.args[0],
                relax.const(np.ascontiguousarray(kernel), str(kernel.dtype)),
                padding=[top, left, bottom, right],
                groups=groups,
                out_dtype=call.attrs.out_dtype,
            )
            outputs.append((self.builder.emit(convolved), members))
        return outputs

    def _woven(
        self,
        outputs: list[tuple[relax.Expr, list[int]]],
        strides: tuple[int, ...],
        groups: int,
        result: list[int],
        start: tuple[int, int],
    ) -> relax.Expr:
        """The image whose phases are given, those of a convolution as [group, phase, channel]."""
        batch, channels, height, width = result
        down, right = strides
        wide = channels // groups
        parts: dict[int, relax.Expr] = {}
        for one, members in outputs:
            _, made, rows, columns = static_shape(one)
            split = [batch, groups, made // channels, wide, rows, columns]
            phases = self.builder.emit(relax.op.reshape(one, split))
            for index, place in enumerate(members if len(outputs) > 1 else ()):
                cut = relax.op.strided_slice(phases, [2], [index], [index + 1])
                parts[place] = self.builder.emit(cut) if len(members) > 1 else phases
        if parts:
            ordered = [parts[place] for place in sorted(parts)]
            phases = self.builder.emit(relax.op.concat(ordered, axis=2))
        rows, columns = static_shape(phases)[-2:]
        blocks = [batch, groups, down, right, wide, rows, columns]
        split = self.builder.emit(relax.op.reshape(phases, blocks))
        woven = self.builder.emit(relax.op.permute_dims(split, [0, 1, 4, 5, 2, 6, 3]))
        size = [batch, channels, rows * down, columns * right]
        whole = self.builder.emit(relax.op.reshape(woven, size))
        if size == result:
            return whole
        ends = [start[0] + height, start[1] + width]
        return relax.op.strided_slice(whole, [2, 3], list(start), ends)


def _dilated(weight: np.ndarray, dilation: tuple[int, ...]) -> np.ndarray:
    """An IOHW kernel with the zeros between its taps written out."""
    *channels, height, width = weight.shape
    down, right = dilation
    size = (height - 1) * down + 1, (width - 1) * right + 1
    result = np.zeros((*channels, *size), weight.dtype)
    result[:, :, ::down, ::right] = weight
    return result


def _kernel(weight: np.ndarray, rows: Taps, columns: Taps) -> np.ndarray:
    """The taps of one phase, in the order in which a convolution meets them."""
    result = np.zeros((*weight.shape[:2], len(rows.taps), len(columns.taps)), weight.dtype)
    for (i, y), (j, x) in product(enumerate(rows.taps), enumerate(columns.taps)):
        if y < weight.shape[2] and x < weight.shape[3]:
            result[:, :, i, j] = weight[:, :, y, x]
    return result
