"""Compute products of whole numbers on bytes: exact, so that every precision has them.

Dynamically quantised models are made of these. What is multiplied is bytes less a zero point that
is computed with them; it comes out of the sum, times the sum of each channel's weights. Weights
that are bytes around a zero point of their own reach from -255 to 255: each channel's middle comes
out as well, times the sum of the bytes that the channel multiplies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tvm
from tvm import relax, te, tirx

from compile.graph.qdq import has_quantised, scale_and_zero
from compile.graph.relax_rewriter import Translator, call_on, translate_counting
from compile.graph.tensors import constant_of, integers, is_operator, static_shape
from compile.graph.whole_numbers import is_whole
from compile.operators.bytes.byte_products import product_of
from compile.operators.multiply_accumulate import ByteProducts
from compile.targets import Target

_BYTE = np.iinfo(np.int8)


@dataclass(frozen=True)
class WholeSums(ByteProducts):
    """Exact sums of bytes times weights, as float32.

    A sum starts at `start`, by output channel. `origin` times `columns` is taken off it, and
    `middles` times `row_sums`, an image of one channel, are added.
    """

    start: np.ndarray
    columns: np.ndarray
    origin: relax.Expr | None = None
    middles: np.ndarray | None = None
    row_sums: relax.Expr | None = None

    def operands(self, channels: int) -> list[relax.Expr]:
        tables = [self.start, self.columns, *([] if self.middles is None else [self.middles])]
        wide = [np.pad(one, (0, channels - one.size)).astype(np.int32) for one in tables]
        images = [one for one in (self.origin, self.row_sums) if one is not None]
        return [*map(relax.const, wide), *images]

    def result(
        self, total: tirx.Expr, index: Sequence[tirx.Expr], *operands: te.Tensor
    ) -> tirx.Expr:
        rest = list(operands)
        start, columns = rest.pop(0), rest.pop(0)
        middles = None if self.middles is None else rest.pop(0)
        total = total + start[index[-1]]
        if self.origin is not None:
            total = total - rest.pop(0)[()] * columns[index[-1]]
        if middles is not None:
            total = total + middles[index[-1]] * rest.pop(0)[(*index[:-1], 0)]
        return total.astype("float32")


@dataclass(frozen=True)
class _Image:
    """Bytes, which stand for themselves less `zero` and less `origin`, an int32 scalar if any."""

    data: relax.Expr
    zero: int
    origin: relax.Expr | None


def whole_products(mod: tvm.IRModule, target: Target) -> tuple[tvm.IRModule, int]:
    """The module, images channels-last, with products of whole numbers on bytes, and how many."""
    if not target.dot_bytes or not has_quantised(mod):
        return mod, 0
    return translate_counting(mod, lambda builder, _: _Reducer(builder, target))


class _Reducer(Translator):
    def __init__(self, builder: relax.BlockBuilder, target: Target) -> None:
        super().__init__(builder)
        self.target = target

    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        if not is_operator(value, "nn.conv2d", "matmul"):
            return None
        weight = constant_of(value.args[1])
        if weight is None or weight.dtype != np.float32 or not (weight == np.rint(weight)).all():
            return None
        image = self._image(value.args[0])
        if image is None or str(image.data.ty.dtype) != self.target.dot_bytes:
            return None
        made = self._product(self.builder.normalize(value), weight, image)
        self.applied += made is not None
        return made

    def _image(self, expr: relax.Expr) -> _Image | None:
        call = self._call(expr)
        if is_operator(call, "dequantize"):
            found = scale_and_zero(call)
            exact = found is not None and found[0] == 1
            return _Image(call.args[0], found[1], None) if exact and found else None
        if is_operator(call, "permute_dims", "reshape"):
            moved = self._image(call.args[0])
            if moved is None:
                return None
            data = self.builder.emit(call_on(call, [moved.data, *call.args[1:]]))
            return replace(moved, data=data)
        if not is_operator(call, "subtract"):
            return None
        bytes_, origin = self._image(call.args[0]), call.args[1]
        if bytes_ is None or bytes_.origin is not None or static_shape(origin):
            return None
        if not is_whole(origin, self.builder.lookup_binding):
            return None
        whole = self.builder.emit(relax.op.astype(origin, "int32"))
        return _Image(bytes_.data, bytes_.zero, whole)

    def _call(self, expr: relax.Expr) -> Any:
        return self.builder.lookup_binding(expr) if isinstance(expr, relax.Var) else None

    def _product(self, call: relax.Call, weight: np.ndarray, image: _Image) -> relax.Expr | None:
        window = tuple(range(weight.ndim - 1))
        low, high = weight.min(window), weight.max(window)
        inside = (low >= _BYTE.min).all() and (high <= _BYTE.max).all()
        middles = np.zeros_like(low) if inside else np.floor((low + high + 1) / 2)
        narrow = weight - middles
        if middles.any() and is_operator(call, "nn.conv2d") and int(call.attrs.groups) > 1:
            return None
        if narrow.min() < _BYTE.min or narrow.max() > _BYTE.max:
            return None
        build = product_of(self.builder, call, weight, image.data, self.target)
        if build is None:
            return None
        if is_operator(call, "nn.conv2d") and any(integers(call.attrs.padding)):
            call, image = self._bordered(call, image)
            build = product_of(self.builder, call, weight, image.data, self.target)
            assert build is not None
        columns = weight.sum(window, np.int64)
        known = ByteProducts(str(image.data.ty.dtype), image.zero)
        start = -image.zero * columns
        if not middles.any():
            sums = WholeSums(known.dtype, known.zero_point, start, columns, image.origin)
            return build(weight=narrow, sums=sums)
        nothing = np.zeros(1, np.int64)
        ones = np.ones_like(weight[..., :1])
        row_sums = build(weight=ones, sums=_IntegerSums(known.dtype, 0, nothing, nothing))
        sums = WholeSums(
            known.dtype,
            known.zero_point,
            start,
            columns,
            image.origin,
            middles,
            self.builder.emit(row_sums),
        )
        return build(weight=narrow, sums=sums)

    def _bordered(self, call: relax.Call, image: _Image) -> tuple[relax.Call, _Image]:
        """The convolution without padding, on an image that has it."""
        top, left, bottom, right = integers(call.attrs.padding)
        batch, height, width, channels = static_shape(image.data)

        def compute(data: te.Tensor, *origin: te.Tensor) -> te.Tensor:
            def value(n: tirx.Expr, h: tirx.Expr, w: tirx.Expr, c: tirx.Expr) -> tirx.Expr:
                inside = te.all(h >= top, h < top + height, w >= left, w < left + width)
                zero = tirx.const(image.zero, "int32") + (origin[0][()] if origin else 0)
                return te.if_then_else(
                    inside, data[n, h - top, w - left, c], zero.astype(data.dtype)
                )

            shape = (batch, height + top + bottom, width + left + right, channels)
            return te.compute(shape, value, name="border")

        origin = [] if image.origin is None else [image.origin]
        data = self.builder.emit(self.builder.call_te(compute, image.data, *origin))
        stand_in = relax.Var("image", relax.TensorType(static_shape(data), "float32"))
        wider = relax.op.nn.conv2d(
            stand_in,
            call.args[1],
            strides=call.attrs.strides,
            dilation=call.attrs.dilation,
            groups=call.attrs.groups,
            data_layout=call.attrs.data_layout,
            kernel_layout=call.attrs.kernel_layout,
            out_layout=call.attrs.out_layout,
        )
        return self.builder.normalize(wider), _Image(data, image.zero, image.origin)


class _IntegerSums(WholeSums):
    """The same as int32."""

    def result(
        self, total: tirx.Expr, index: Sequence[tirx.Expr], *operands: te.Tensor
    ) -> tirx.Expr:
        return total
