"""Compute convolutions and matrix products of quantised tensors on their bytes.

What reads a dequantised tensor and constant weights multiplies the bytes themselves, and scales the
exact sum. Constants added to the result, a ReLU and the quantisation that follow are part of that
scaling. Weights are rounded to int8, each output channel with its own scale: those that were int8
come back as they were, others are off by half a step at most. Depthwise convolutions stay float:
they have no four inputs to multiply at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import tvm
from tvm import relax

from compile.graph.accounting import LowerPrecision
from compile.graph.qdq import scale_and_zero
from compile.graph.relax_rewriter import Translator, Uses, call_on, translate
from compile.graph.tensors import constant_of, is_operator, shape_of
from compile.operators import convolution, matrix_product
from compile.operators.bytes import near_bytes
from compile.operators.bytes.byte_dot_products import BYTES_IN_FLOATS, NEAR, QUAD_BYTES, rounder
from compile.operators.bytes.largest_size import largest_of
from compile.operators.bytes.sum_scaling import MOST, scaling
from compile.operators.multiply_accumulate import Addend, ByteSums
from compile.operators.vector_math import ROUNDER_BITS
from compile.targets import Target

_LARGEST = 127
# Weights that were bytes are whole numbers of steps, but for float32's rounding.
_WHOLE = 1e-3
_SAMPLE = 64
# What a sum starts from must leave room for it in an int32.
_LARGEST_START = 2.0**30
# A float32 of 1.5 * 2^23 and a whole number below 2^22 is exact.
_EXACT_AS_BITS = 2**22 - MOST
# With a scale below this, what is added to a multiple of 1.5 * 2^23 is above 2^23.
_LARGEST_SCALE = 0.3
# A byte is told from the next by so much of the last digit of what its float is too large by.
_LARGEST_FACTOR = 4.0
# Most channels are off by less than a millionth of a step, those by more whose scale is next to a
# simple fraction.
_NEXT_TO_WHOLE = 2.0**-9


@dataclass(frozen=True)
class _Addend:
    """An image with its scale and zero point, and the largest size of what is added."""

    image: relax.Expr
    scale: float
    zero: int
    largest: float


@dataclass(frozen=True)
class _Pending:
    """A product that is not emitted yet, since what follows may be part of it.

    `scale` and `zero` are those of the image that it reads, `bias` is what has been added, by
    output channel, `addends` images that have. `out` is the scale, zero point and type of the
    bytes that the result becomes, if any.
    """

    build: Callable[..., relax.Expr]
    weight: np.ndarray
    scale: float
    zero: int
    bias: np.ndarray
    addends: tuple[_Addend, ...] = ()
    relu: bool = False
    out: tuple[float, int, str] | None = None

    def emit(self, target: Target) -> tuple[relax.Expr, float]:
        """The product with all that belongs to it, and the largest size of its sums."""
        dtype = target.dot_bytes
        unit, zero, out = self.out or (1.0, 0, "")
        constant = self.bias - sum(one.scale * one.zero for one in self.addends)
        weight, step = to_int8(self.weight, np.abs(constant) / (self.scale * _LARGEST_START))
        axes = tuple(range(weight.ndim - 1))
        scale = self.scale * step / unit
        start = np.rint(constant / unit / scale).astype(np.int64)
        start -= self.zero * weight.sum(axes, np.int64)
        sizes = _largest_sums(weight, dtype, start)
        addends = tuple(Addend(one.image, one.scale / unit) for one in self.addends)
        largest = float((sizes * scale).max() + sum(one.largest for one in self.addends) / unit)
        near = largest + abs(zero) < NEAR
        relu = self.relu and not (out and zero == np.iinfo(out).min)
        scale = scale.astype(np.float32)
        sums = ByteSums(
            dtype,
            self.zero,
            start.astype(np.int32),
            scale,
            addends,
            relu=relu,
            out=out,
            out_zero=zero,
            near=near,
        )
        if target.slow_conversions and sizes.max() < _EXACT_AS_BITS:
            sums = _on_bits(sums, may_round=bool(out) and near and not (addends or relu))
        return self.build(weight=weight, sums=sums), largest * unit


def _on_bits(sums: ByteSums, *, may_round: bool) -> ByteSums:
    """The same without conversions; `may_round` where bytes are made of nothing but the sum."""
    found = scaling(sums.scale, rounder(sums.out_zero) if may_round else 0.0)
    may_round &= found.error < _NEXT_TO_WHOLE and bool(sums.scale.max() < _LARGEST_SCALE)
    addends = tuple(map(_in_bits, sums.addends))
    if not may_round:
        found = scaling(sums.scale, -sum(one.too_large * one.factor for one in addends))
    start = (sums.start + ROUNDER_BITS + found.higher).astype(np.int32)
    return replace(sums, start=start, offset=found.offset, rounds=may_round, addends=addends)


def _in_bits(addend: Addend) -> Addend:
    """The same with bytes as the bits of floats, where a float32 still tells their sums apart."""
    dtype = str(addend.image.ty.dtype)
    if dtype not in BYTES_IN_FLOATS or addend.factor > _LARGEST_FACTOR:
        return addend
    return replace(addend, too_large=BYTES_IN_FLOATS[dtype])


def _largest_sums(weight: np.ndarray, dtype: str, start: np.ndarray) -> np.ndarray:
    """The largest size of a sum, by output channel, whatever bytes are multiplied."""
    axes = tuple(range(weight.ndim - 1))
    wide = weight.astype(np.int64)
    ends = [wide * edge for edge in (np.iinfo(dtype).min, np.iinfo(dtype).max)]
    low, high = np.minimum(*ends).sum(axes), np.maximum(*ends).sum(axes)
    return np.maximum(np.abs(start + low), np.abs(start + high))


def byte_products(mod: tvm.IRModule, target: Target) -> tuple[tvm.IRModule, LowerPrecision]:
    """The module, images channels-last, with its quantised products on bytes, and the account.

    Its quantised tensors are of the type that the target multiplies.
    """
    done = LowerPrecision("int8")
    return translate(mod, lambda builder, uses: _Reducer(builder, uses, target, done)), done


class _Reducer(Translator):
    """Keeps products back that what follows may be part of."""

    def __init__(
        self, builder: relax.BlockBuilder, uses: Uses, target: Target, done: LowerPrecision
    ) -> None:
        super().__init__(builder)
        self.uses = uses
        self.target = target
        self.done = done
        self.largest: dict[relax.Expr, float] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        if is_operator(value, "quantize"):
            value = self._without_relu(value)
            near = self._near(value)
            value = self._with_step_in_factor(value) if near is None else near
        pending = self._follows(value)
        if pending is None and is_operator(value, "nn.conv2d", "matmul"):
            pending = self._product(self.builder.normalize(self.plain(value)))
            if pending is None:
                self.done.keep_wide(value)
            else:
                self.done.lower(value)
        if pending is not None:
            self.values[var] = pending
            return
        plain = self.plain(value)
        emitted = self.values[var] = self.builder.emit(plain)
        largest = largest_of(plain, self.largest)
        if largest is not None:
            self.largest[emitted] = largest

    def whole(self, var: relax.Var) -> relax.Expr:
        value = self.values.get(var, var)
        if isinstance(value, _Pending):
            product, largest = value.emit(self.target)
            value = self.values[var] = self.builder.emit(product)
            self.largest[value] = largest
        return value

    def _without_relu(self, call: relax.Call) -> relax.Call:
        """A quantisation whose lowest byte is zero, of what a ReLU reads rather than makes."""
        found, image = scale_and_zero(call), self.values.get(call.args[0])
        before = self.builder.lookup_binding(image) if isinstance(image, relax.Var) else None
        dtype = str(call.attrs.out_dtype)
        if before is None or found is None or dtype not in ("int8", "uint8"):
            return call
        if found[1] != np.iinfo(dtype).min:
            return call
        if not is_operator(before, "nn.relu"):
            return call
        return call_on(call, [before.args[0], *call.args[1:]])

    def _near(self, call: relax.Call) -> relax.Expr | None:
        """A quantisation of what is known to be near, or of what a gate lets through of that."""
        found, image = scale_and_zero(call), self.values.get(call.args[0])
        dtype = str(call.attrs.out_dtype)
        if found is None or not isinstance(image, relax.Var) or not self.target.slow_conversions:
            return None
        if dtype not in ("int8", "uint8"):
            return None
        at = abs(found[1])
        gated = near_bytes.gated(self.builder.lookup_binding(image), self.builder.lookup_binding)
        if gated is not None:
            if self.largest.get(gated[0], np.inf) / found[0] + at >= NEAR:
                return None
            return near_bytes.of_gated(self.builder, *gated, *found, dtype)
        if self.largest.get(image, np.inf) / found[0] + at >= NEAR:
            return None
        return near_bytes.of_image(self.builder, image, *found, dtype)

    def _with_step_in_factor(self, call: relax.Call) -> relax.Call:
        """A quantisation with a step of one, of an image whose factors by channel hold the step."""
        found, image = scale_and_zero(call), self.values.get(call.args[0])
        before = self.builder.lookup_binding(image) if isinstance(image, relax.Var) else None
        if found is None or before is None or not is_operator(before, "multiply"):
            return call
        whole, factors = before.args
        if not isinstance(factors, relax.Var) or shape_of(whole) != shape_of(before):
            return call
        if shape_of(factors) == shape_of(before) or str(before.ty.dtype) != "float32":
            return call
        inverse = relax.const(np.float32(1 / found[0]))
        scaled = self.builder.emit(relax.op.multiply(factors, inverse))
        steps = self.builder.emit(call_on(before, [whole, scaled]))
        return call_on(call, [steps, relax.const(np.float32(1)), call.args[2]])

    def _follows(self, call: relax.Call) -> _Pending | None:
        """The product that the call reads, with the call as part of it."""
        if is_operator(call, "nn.relu", "quantize"):
            orders = [(call.args[0], None)]
        elif is_operator(call, "add"):
            orders = [tuple(call.args), tuple(call.args)[::-1]]
        else:
            return None
        for var, other in orders:
            before = self.values.get(var) if isinstance(var, relax.Var) else None
            if isinstance(before, _Pending) and self.uses[var] == 1 and before.out is None:
                return self._joined(before, call, other)
        return None

    def _joined(
        self, before: _Pending, call: relax.Call, other: relax.Expr | None
    ) -> _Pending | None:
        if is_operator(call, "nn.relu"):
            return replace(before, relu=True)
        if is_operator(call, "quantize"):
            found, dtype = scale_and_zero(call), str(call.attrs.out_dtype)
            if found is None or dtype not in ("int8", "uint8"):
                return None
            return replace(before, out=(*found, dtype))
        if before.relu:
            return None
        bias, channels = constant_of(other), before.bias.size
        if bias is not None:
            if bias.size not in (1, channels) or (bias.size > 1 and bias.shape[-1] != channels):
                return None
            return replace(before, bias=before.bias + bias.reshape(-1))
        if not isinstance(other, relax.Var) or shape_of(other) != shape_of(call):
            return None
        image = self.whole(other)
        bytes_ = self._bytes(image)
        if bytes_ is None:
            addend = _Addend(image, 1.0, 0, self.largest.get(image, np.inf))
        else:
            addend = _Addend(*bytes_, largest=bytes_[1] * 2**8)
        return replace(before, addends=(*before.addends, addend))

    def _product(self, call: relax.Call) -> _Pending | None:
        weight = constant_of(call.args[1])
        found = self._bytes(call.args[0])
        if weight is None or weight.dtype != np.float32 or found is None:
            return None
        data, scale, zero = found
        made = product_of(self.builder, call, weight, data, self.target)
        if made is None or str(data.ty.dtype) != self.target.dot_bytes:
            return None
        return _Pending(made, weight, scale, zero, np.zeros(weight.shape[-1]))

    def _bytes(self, image: relax.Expr) -> tuple[relax.Expr, float, int] | None:
        """The tensor of bytes behind a dequantised one, its scale and zero point."""
        call = self.builder.lookup_binding(image) if isinstance(image, relax.Var) else None
        if call is None or not is_operator(call, "dequantize"):
            return None
        found = scale_and_zero(call)
        data = call.args[0]
        return None if found is None else (data, *found)


def product_of(
    builder: relax.BlockBuilder,
    call: relax.Call,
    weight: np.ndarray,
    data: relax.Expr,
    target: Target,
) -> Callable[..., relax.Expr] | None:
    """What builds a product of bytes, from `weight` and `sums`; None where it takes float32.

    It reads `data` in the place of the call's first operand.
    """
    known = {"target": target, "data": data}
    if is_operator(call, "matmul"):
        if weight.ndim != 2 or weight.shape[0] % QUAD_BYTES:
            return None
        return partial(matrix_product.dense, builder, call, **known)
    layouts = call.attrs.data_layout, call.attrs.kernel_layout, call.attrs.out_layout
    if layouts != ("NHWC", "HWIO", "NHWC"):
        return None
    groups = int(call.attrs.groups)
    if groups > 1 and not convolution.in_whole_steps(weight, groups, QUAD_BYTES):
        return None
    alone = weight.shape[:2] == (1, 1) and not any(int(edge) for edge in call.attrs.padding)
    if alone and groups == 1 and weight.shape[2] % QUAD_BYTES == 0:
        return lambda weight, sums: matrix_product.pointwise(
            builder, call, weight[0, 0], sums=sums, **known
        )
    return partial(convolution.convolution, builder, call, groups=groups, **known)


def to_int8(weight: np.ndarray, least: np.ndarray | float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights [.., outputs] rounded to int8, and the step of each output channel [outputs].

    A step is at least `least`.
    """
    flat = weight.reshape(-1, weight.shape[-1]).astype(np.float64)
    steps = np.maximum(_steps(flat), least)
    return np.rint(weight / steps).astype(np.int8), steps


def _steps(weight: np.ndarray) -> np.ndarray:
    """The step of each output channel of [.., outputs]: the one that gives back all weights.

    The largest is a whole number of such steps. Where there is none, it is the most that a byte
    holds.
    """
    largest = np.abs(weight).max(axis=0)
    most = np.where(largest > 0, largest / _LARGEST, 1.0)
    steps = most.copy()
    open_ = largest > 0
    for count in range(_LARGEST, 0, -1):
        places = np.flatnonzero(open_)
        if not places.size:
            break
        tried = largest[places] / count
        for rows in (weight[:_SAMPLE], weight):  # most are told by a few weights
            ratio = rows[:, places] / tried
            fits = (np.abs(ratio - np.rint(ratio)) < _WHOLE).all(axis=0)
            places, tried = places[fits], tried[fits]
        steps[places] = tried
        open_[places] = False
    return steps
