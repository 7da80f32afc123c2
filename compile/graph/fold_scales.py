"""Fold scales and shifts by channel into the convolutions around them.

A normalisation before a convolution, a batch norm after it, a bias: each is a number to multiply
and one to add a channel. A scale moves into the weights of the convolution before or behind it. A
shift in front moves behind a convolution without padding; with padding it stays, since what the
border holds is not shifted. Exact but for rounding: weights are multiplied in double precision and
rounded once, so a result is off by about 1e-7 of the sum of its terms' magnitudes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, Uses, call_on, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, per_channel, shape_of

_LARGEST = 1e15


@dataclass(frozen=True)
class _Pending:
    """The convolution `call` of `image`, not emitted yet; its weights are in double precision."""

    call: relax.Call
    image: relax.Expr
    weight: np.ndarray


@dataclass(frozen=True)
class Affine:
    """`base` times `scale` plus `shift`, by channel; `base` may be pending."""

    base: relax.Expr
    scale: np.ndarray
    shift: np.ndarray


def fold_scales(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with scales and shifts folded, and how many operators that saved."""
    return translate_counting(mod, _Folder)


class _Folder(Translator):
    """Keeps scales and shifts back; `applied` counts the operators that saves."""

    def __init__(self, builder: relax.BlockBuilder, uses: Uses) -> None:
        super().__init__(builder)
        self.uses = uses

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        result: Any = None
        if is_operator(value, "nn.conv2d"):
            result = self._convolution(value)
        elif is_operator(value, "add", "subtract", "multiply", "divide"):
            result = self._arithmetic(value)
        if result is None:
            result = self.builder.emit(self.plain(value))
        elif self.uses[var] > 1:  # one value for all that read it
            result = self._emitted(result)
        self.values[var] = result

    def whole(self, var: relax.Var) -> relax.Expr:
        value = self.values.get(var, var)
        if isinstance(value, Affine):
            value = self.values[var] = self._emitted(value)
        return value

    def _affine(self, expr: relax.Expr, channels: int) -> Affine:
        value = self.values.get(expr, expr) if isinstance(expr, relax.Var) else expr
        if isinstance(value, Affine):
            return value
        return Affine(value, np.ones(channels), np.zeros(channels))

    def _arithmetic(self, call: relax.Call) -> Affine | None:
        left, right = call.args
        shape = shape_of(call)
        if shape is None or len(shape) != 4 or str(call.ty.dtype) != "float32":
            return None
        name = call.op.name.removeprefix("relax.")
        if constant_of(left) is not None and name in ("add", "multiply"):
            left, right = right, left
        number = per_channel(right, shape[1])
        if number is None or shape_of(left) != shape or constant_of(left) is not None:
            return None
        if name == "divide" and not number.all():
            return None
        factor = 1.0 / number if name == "divide" else number
        if not _moderate(factor):
            return None
        value = self._affine(left, shape[1])
        if name in ("add", "subtract"):
            more = number if name == "add" else -number
            result = replace(value, shift=value.shift + more)
        else:
            result = replace(value, scale=value.scale * factor, shift=value.shift * factor)
        if not (_moderate(result.scale) and _moderate(result.shift)):
            return None
        self.applied += 1
        return result

    def _convolution(self, call: relax.Call) -> Affine | None:
        image, filters = call.args
        weight, shape = constant_of(filters), shape_of(image)
        layouts = call.attrs.data_layout, call.attrs.kernel_layout
        if weight is None or weight.dtype != np.float32 or shape is None:
            return None
        if layouts != ("NCHW", "OIHW") or str(call.ty.dtype) != "float32":
            return None
        if not _moderate(weight):
            return None
        value = self._based(self._affine(image, shape[1]))
        if any(integers(call.attrs.padding)) and value.shift.any():
            value = self._shift_first(value)
        outputs, groups = weight.shape[0], int(call.attrs.groups)
        scale, shift = (
            _input_of_each_filter(number, outputs, groups) for number in (value.scale, value.shift)
        )
        bias = (weight * shift).sum(axis=(1, 2, 3))
        return Affine(_Pending(call, value.base, weight * scale), np.ones(outputs), bias)

    def _based(self, value: Affine) -> Affine:
        """The same value on a base that is emitted."""
        if not isinstance(value.base, _Pending):
            return value
        call, image, weight = value.base.call, value.base.image, value.base.weight
        scaled = _constant(weight * value.scale.reshape(-1, 1, 1, 1))
        base = self.builder.emit(call_on(call, [image, scaled]))
        return Affine(base, np.ones_like(value.scale), value.shift)

    def _shift_first(self, value: Affine) -> Affine:
        """The same value with its shift emitted and its scale left to be done."""
        if not value.scale.all():
            return Affine(self._emitted(value), np.ones_like(value.scale), 0 * value.shift)
        shifted = Affine(value.base, np.ones_like(value.scale), value.shift / value.scale)
        return Affine(self._emitted(shifted), value.scale, 0 * value.shift)

    def _emitted(self, value: Affine) -> relax.Expr:
        value = self._based(value)
        result = value.base
        for operator, numbers, neutral in (
            (relax.op.multiply, value.scale, 1.0),
            (relax.op.add, value.shift, 0.0),
        ):
            if (numbers != neutral).any():
                result = self.builder.emit(operator(result, _constant(_along_channels(numbers))))
                self.applied -= 1
        return result


def _moderate(numbers: np.ndarray) -> bool:
    """Whether all are finite, and products of two of them are float32 numbers."""
    return bool(np.abs(numbers).max(initial=0) <= _LARGEST)


def _input_of_each_filter(numbers: np.ndarray, outputs: int, groups: int) -> np.ndarray:
    """A number for each input channel as one for each weight of a grouped convolution."""
    by_group = np.repeat(numbers.reshape(groups, -1), outputs // groups, axis=0)
    return by_group.reshape(outputs, -1, 1, 1)


def _along_channels(numbers: np.ndarray) -> np.ndarray:
    same = (numbers == numbers[0]).all()
    return numbers[0] if same else numbers.reshape(1, -1, 1, 1)


def _constant(value: np.ndarray) -> relax.Expr:
    return relax.const(np.ascontiguousarray(value, dtype=np.float32), "float32")
