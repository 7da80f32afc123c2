"""Choose, for each operator of the model, the computation that a schedule here is made for."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import tvm
from tvm import relax, te, tirx, topi

from compile.graph.qdq import scale_and_zero
from compile.graph.tensors import constant_of
from compile.operators import (
    convolution,
    depthwise_convolution,
    matrix_product,
    selection,
    winograd_convolution,
)
from compile.operators.bytes.byte_dot_products import saturated
from compile.operators.multiply_accumulate import FLOATS, WIDE_SUMS, FloatSums
from compile.operators.rows import mean, scaled_dot_products, softmax
from compile.precision import Precision
from compile.targets import Target

Legalise = Callable[[relax.BlockBuilder, relax.Call], relax.Expr]


def legalise_map(target: Target, numbers: Precision) -> dict[str, Legalise]:
    """Operators that are computed in our own way; the others keep TVM's."""
    divides = numbers.storage != "int8"
    return {
        "relax.nn.conv2d": lambda builder, call: _convolution(builder, call, target),
        "relax.matmul": lambda builder, call: _matmul(builder, call, target),
        "relax.nn.attention": lambda builder, call: _attention(builder, call, target),
        "relax.nn.attention_bias": lambda builder, call: _attention(builder, call, target),
        "relax.mean": _mean,
        "relax.nn.softmax": lambda builder, call: _softmax(builder, call, target),
        "relax.dequantize": _dequantise,
        "relax.quantize": lambda builder, call: _quantise(builder, call, divides),
        "relax.where": _where,
    }


def _convolution(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    weight = constant_of(call.args[1])
    layouts = call.attrs.kernel_layout, call.attrs.out_layout
    if weight is None or layouts != ("HWIO", "NHWC") or not _is_static_float(call.args[0]):
        return _default(builder, call)
    target, sums = target.of(str(call.ty.dtype)), _sums_of(call)
    KH, KW, inputs, outputs = weight.shape
    groups = int(call.attrs.groups)
    padded = any(int(edge) for edge in call.attrs.padding)
    if call.attrs.data_layout != "NHWC":
        return convolution.convolution(builder, call, weight, groups, target)
    if (KH, KW, groups) == (1, 1, 1) and not padded:
        return matrix_product.pointwise(builder, call, weight[0, 0], target, sums)
    if sums is WIDE_SUMS:
        return convolution.convolution(builder, call, weight, groups, target, sums)
    if groups == outputs and inputs == 1 and groups > 1:
        return depthwise_convolution.convolution(builder, call, weight[:, :, 0], target)
    tiling = winograd_convolution.choose(call, weight, groups, target)
    if tiling is not None:
        return winograd_convolution.convolution(builder, call, weight, tiling, target)
    return convolution.convolution(builder, call, weight, groups, target)


def _sums_of(call: relax.Call) -> FloatSums:
    """In which type a product is added up: that of its result."""
    same = str(call.ty.dtype) == str(call.args[0].ty.dtype)
    return FLOATS if same else WIDE_SUMS


def _matmul(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    left, right = call.args
    if not (_is_static_float(left) and _is_static_float(right)):
        return _default(builder, call)
    if len(left.ty.shape) < 2 or len(right.ty.shape) < 2:
        return _default(builder, call)
    target = target.of(str(call.ty.dtype))
    weight = constant_of(right)
    if weight is not None and weight.ndim == 2:
        return matrix_product.dense(builder, call, weight, target, _sums_of(call))
    return matrix_product.batched(builder, call, target)


def _attention(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    if not all(str(one.ty.dtype) == "float32" and _is_static_float(one) for one in call.args):
        return _default(builder, call)
    return scaled_dot_products.attention(builder, call, target)


def _softmax(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    if not (_is_static_float(call.args[0]) and softmax.fits(call)):
        return _default(builder, call)
    return softmax.softmax(builder, call, target)


def _where(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    selects = selection.selects_whole(call)
    return selection.selection(builder, call) if selects else _default(builder, call)


def _mean(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    if str(call.args[0].ty.dtype) != "float16" or not _is_static_float(call.args[0]):
        return _default(builder, call)
    return mean.mean(builder, call)


def _quantise(builder: relax.BlockBuilder, call: relax.Call, divides: bool) -> relax.Expr:
    """Bytes of a tensor with one scale, in arithmetic that vectorises; halves to even.

    ONNX Runtime divides by the scale. To multiply by its inverse takes a tenth off the cycles of a
    network of bytes, and is another step where a number lies within a rounding of the middle
    between two; never where the scale is a power of two, whose inverse is exact.
    """
    found, dtype = scale_and_zero(call), str(call.attrs.out_dtype)
    if found is None or dtype not in ("int8", "uint8"):
        return _default(builder, call)
    step, zero = found
    number = str(call.args[0].ty.dtype)
    if number not in ("float32", "float16"):
        return _default(builder, call)
    inverse = math.frexp(step)[0] == 0.5 or not divides

    def compute(data: te.Tensor) -> te.Tensor:
        def value(*index: tirx.Expr) -> tirx.Expr:
            x = data[index]
            steps = x * tirx.const(1 / step, number) if inverse else x / tirx.const(step, number)
            return saturated(steps, dtype, zero)

        return te.compute(data.shape, value, name="quantise")

    return builder.call_te(compute, call.args[0], primfunc_name_hint="quantise")


def _dequantise(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """The numbers that bytes of one scale stand for; whole ones below 2^9 are exact as floats."""
    found, dtype = scale_and_zero(call), str(call.args[0].ty.dtype)
    if found is None or dtype not in ("int8", "uint8") or str(call.ty.dtype) != "float32":
        return _default(builder, call)
    step, zero = (tirx.const(one, "float32") for one in found)

    def compute(data: te.Tensor) -> te.Tensor:
        def value(*index: tirx.Expr) -> tirx.Expr:
            return (data[index].astype("float32") - zero) * step

        return te.compute(data.shape, value, name="dequantise")

    return builder.call_te(compute, call.args[0], primfunc_name_hint="dequantise")


@functools.cache
def clip_take() -> None:
    """Have TVM's `take` read the last element at an index beyond the end, as ONNX Runtime does.

    It then replaces TVM's own legalisation in this process, since constants are folded, in many
    passes, without a map.
    """
    replaces_default = 11
    tvm.ir.register_op_attr("relax.take", "FLegalize", _take, level=replaces_default)


def _take(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """An index beyond the end reads the last element; in TVM's default mode it reads anything."""
    data, indices = call.args
    mode = "clip" if call.attrs.mode == "fast" else call.attrs.mode
    return builder.call_te(topi.take, data, indices, call.attrs.axis, mode=mode)


def _is_static_float(expr: relax.Expr) -> bool:
    kind = expr.ty
    return (
        str(kind.dtype) in ("float32", "float16")
        and isinstance(kind.shape, relax.ShapeExpr)
        and all(isinstance(edge, tvm.tirx.IntImm) and int(edge) > 0 for edge in kind.shape)
    )


def _default(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    return call.op.get_attr("FLegalize")(builder, call)
