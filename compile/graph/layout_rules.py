"""How each operator works on tensors that are kept in another order than the model wrote.

A rule returns where the result is, or None to have the operator applied as the model wrote it.
"""

from __future__ import annotations

import itertools

import tvm
from tvm import relax

from compile.graph import axis_order
from compile.graph.axis_order import CHANNELS_LAST, Order
from compile.graph.layout_rewriter import RULES, LayoutRewriter, Stored, is_moved
from compile.graph.qdq import has_one_scale
from compile.graph.rule_rewriter import UNARY
from compile.graph.tensors import constant_of, shape_of
from compile.targets import MIN_LANES


@RULES.rule("nn.conv2d")
def _convolution(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    image, weight = rewriter.stored(call.args[0]), rewriter.stored(call.args[1])
    layouts = call.attrs.data_layout, call.attrs.kernel_layout
    if image is None or weight is None or layouts != ("NCHW", "OIHW"):
        return None
    # A window over few planes, such as a picture's, reads each plane along its rows as it lies.
    few = not is_moved(image) and rewriter.logical_shape(image)[1] < MIN_LANES
    window = (shape_of(weight.expr) or [])[2:] != [1, 1]
    types = {str(image.expr.ty.dtype), str(call.ty.dtype)}
    known = constant_of(weight.expr) is not None and types in ({"float32"}, {"float16"})
    planes = known and few and window and int(call.attrs.groups) == 1
    result = relax.op.nn.conv2d(
        image.expr if planes else rewriter.in_order(image, CHANNELS_LAST),
        rewriter.in_order(weight, (2, 3, 1, 0)),
        strides=[int(stride) for stride in call.attrs.strides],
        padding=[int(edge) for edge in call.attrs.padding],
        dilation=[int(step) for step in call.attrs.dilation],
        groups=int(call.attrs.groups),
        data_layout="NCHW" if planes else "NHWC",
        kernel_layout="HWIO",
        out_layout="NHWC",
        out_dtype=call.attrs.out_dtype,
    )
    return rewriter.emit(result, CHANNELS_LAST)


@RULES.rule("nn.max_pool2d", "nn.avg_pool2d")
def _pool(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    image = rewriter.stored(call.args[0])
    if image is None or call.attrs.layout != "NCHW":
        return None
    build = getattr(relax.op.nn, call.op.name.removeprefix("relax.nn."))
    result = build(
        rewriter.in_order(image, CHANNELS_LAST),
        pool_size=[int(edge) for edge in call.attrs.pool_size],
        strides=[int(stride) for stride in call.attrs.strides],
        padding=[int(edge) for edge in call.attrs.padding],
        dilation=[int(step) for step in call.attrs.dilation],
        ceil_mode=bool(call.attrs.ceil_mode),
        count_include_pad=bool(call.attrs.count_include_pad),
        layout="NHWC",
    )
    return rewriter.emit(result, CHANNELS_LAST)


@RULES.rule("image.resize2d")
def _resize(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    image, attributes = rewriter.stored(call.args[0]), call.attrs
    if image is None or attributes.layout != "NCHW" or not is_moved(image):
        return None
    result = relax.op.image.resize2d(
        rewriter.in_order(image, CHANNELS_LAST),
        call.args[1],
        roi=[float(edge) for edge in attributes.roi],
        layout="NHWC",
        method=attributes.method,
        coordinate_transformation_mode=attributes.coordinate_transformation_mode,
        rounding_method=attributes.rounding_method,
        cubic_alpha=float(attributes.cubic_alpha),
        cubic_exclude=int(attributes.cubic_exclude),
        extrapolation_value=float(attributes.extrapolation_value),
    )
    return rewriter.emit(result, CHANNELS_LAST)


@RULES.rule(*UNARY, "astype")
def _unary(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not is_moved(value):
        return None
    return rewriter.repeat(call, [value.expr, *call.args[1:]], value.order)


@RULES.rule("quantize", "dequantize")
def _quantise(rewriter: LayoutRewriter, call: relax.Call) -> Stored | list[Stored] | None:
    return _unary(rewriter, call) if has_one_scale(call) else None


@RULES.rule(
    *("add", "subtract", "multiply", "divide", "floor_divide", "mod", "power"),
    *("maximum", "minimum", "where"),
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_xor"),
)
def _broadcast(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    found = [rewriter.stored(argument) for argument in call.args]
    values = [value for value in found if value is not None]
    if len(values) != len(call.args):
        return None
    rank = max(len(value.order) for value in values)
    order = next((v.order for v in values if len(v.order) == rank and is_moved(v)), None)
    if order is None:
        return None
    return rewriter.repeat(call, [_operand(rewriter, v, order) for v in values], order)


def _operand(rewriter: LayoutRewriter, value: Stored, order: Order) -> relax.Expr:
    """`value` in `order`, with leading axes of length one where it has fewer; scalars as is."""
    missing = len(order) - len(value.order)
    if not value.order or not missing:
        return rewriter.in_order(value, order) if not missing else value.expr
    plain = rewriter.in_order(value, axis_order.identity(len(value.order)))
    shape = [1] * missing + rewriter.logical_shape(value)
    constant = constant_of(plain)
    if constant is not None:
        widened = relax.const(constant.reshape(shape), str(constant.dtype))
    else:
        widened = rewriter.builder.emit(relax.op.reshape(plain, shape))
    return rewriter.in_order(Stored(widened, axis_order.identity(len(order))), order)


@RULES.rule("concat")
def _concat(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    values = rewriter.fields(call.args[0])
    order = next((value.order for value in values or [] if is_moved(value)), None)
    if values is None or order is None or call.attrs.axis is None:
        return None
    axis = order.index(int(call.attrs.axis) % len(order))
    return rewriter.emit(
        relax.op.concat([rewriter.in_order(v, order) for v in values], axis), order
    )


@RULES.rule("split")
def _split(rewriter: LayoutRewriter, call: relax.Call) -> list[Stored] | None:
    value = rewriter.stored(call.args[0])
    if value is None or not is_moved(value):
        return None
    axis = int(call.attrs.axis) % len(value.order)
    extent = rewriter.logical_shape(value)[axis]
    sections = call.attrs.indices_or_sections
    if isinstance(sections, int | tvm.tirx.IntImm):
        step = -(-extent // int(sections))
        cuts = [*list(range(0, extent, step)), extent]
    else:
        cuts = [0, *(int(cut) for cut in sections), extent]
    where = value.order.index(axis)
    return [
        rewriter.emit(relax.op.strided_slice(value.expr, [where], [low], [high]), value.order)
        for low, high in itertools.pairwise(cuts)
    ]


@RULES.rule("strided_slice")
def _slice(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not is_moved(value) or not isinstance(call.args[1], relax.Tuple):
        return None
    cut = [int(axis) % len(value.order) for axis in map(_integer, call.args[1].fields)]
    where = [value.order.index(axis) for axis in cut]
    rest = list(call.args[2:])
    axes = relax.Tuple([relax.prim_value(axis) for axis in where])
    return rewriter.repeat(call, [value.expr, axes, *rest], value.order)


def _integer(expr: relax.Expr) -> int:
    return int(getattr(expr, "value", expr))


@RULES.rule("mean", "sum", "max", "min", "prod", "variance", "std")
def _reduce(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not is_moved(value):
        return None
    rank = len(value.order)
    chosen = range(rank) if call.attrs.axis is None else call.attrs.axis
    axes = [int(axis) % rank for axis in chosen]
    build = getattr(relax.op, call.op.name.removeprefix("relax."))
    keep = bool(call.attrs.keepdims)
    result = build(value.expr, axis=[value.order.index(a) for a in axes], keepdims=keep)
    order = value.order if keep else axis_order.without(value.order, axes)
    return rewriter.emit(result, order)


@RULES.rule("nn.softmax", "nn.log_softmax")
def _softmax(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not is_moved(value):
        return None
    build = getattr(relax.op.nn, call.op.name.removeprefix("relax.nn."))
    axis = value.order.index(int(call.attrs.axis) % len(value.order))
    return rewriter.emit(build(value.expr, axis=axis), value.order)


@RULES.rule("permute_dims")
def _permute(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or constant_of(value.expr) is not None:
        return None
    rank = len(value.order)
    axes = (
        range(rank)[::-1] if call.attrs.axes is None else [int(a) % rank for a in call.attrs.axes]
    )
    return Stored(value.expr, axis_order.permuted(value.order, axes))


@RULES.rule("reshape", "squeeze", "expand_dims", "flatten")
def _reshape(rewriter: LayoutRewriter, call: relax.Call) -> Stored | None:
    value = rewriter.stored(call.args[0])
    target = shape_of(call)
    if value is None or target is None or not is_moved(value):
        return None
    before, after = axis_order.reshaped(rewriter.logical_shape(value), target, value.order)
    source = rewriter.in_order(value, before)
    return rewriter.emit(relax.op.reshape(source, [target[axis] for axis in after]), after)
