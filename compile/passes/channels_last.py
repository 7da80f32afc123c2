"""Keep images channels-last in memory, so that schedules vectorise over channels.

Every value is kept with the order of its axes in memory. Convolutions put their result
channels-last; operators with a rule below follow the order of what they read; a transpose only
renames axes; all others get their operands as the model wrote them. Relax's own ConvertLayout
gives up at a channel shuffle, which is a reshape, a transpose and a reshape: here the first two
cost nothing and the third is one copy that fuses with its neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.passes import axis_order
from compile.passes.axis_order import CHANNELS_LAST, Order


@dataclass(frozen=True)
class Stored:
    """A tensor and the order of its axes in memory."""

    expr: Any
    order: Order


Rule = Callable[["_Rewriter", Any], "Stored | list[Stored] | None"]
_RULES: dict[str, Rule] = {}


def channels_last(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with the same function `main`, its inside channels-last; exact.

    A function with branches is left alone.
    """
    main = mod["main"]
    if not _is_straight(main):
        return mod
    rest = {var: function for var, function in mod.functions.items() if var.name_hint != "main"}
    builder = relax.BlockBuilder(tvm.IRModule(rest))
    attributes = dict(main.attrs) if main.attrs else {}
    with builder.function("main", list(main.params), attrs=attributes):
        with builder.dataflow():
            rewriter = _Rewriter(builder)
            for block in main.body.blocks:
                for binding in block.bindings:
                    rewriter.bind(binding.var, binding.value)
            result = builder.emit_output(rewriter.plain(main.body.body))
        builder.emit_func_output(result)
    return builder.finalize()


def _is_straight(function: Any) -> bool:
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding)
        and not isinstance(binding.value, relax.If | relax.Function)
        for block in function.body.blocks
        for binding in block.bindings
    )


def shape_of(expr: Any) -> list[int] | None:
    """The static shape of a tensor expression, None for anything else."""
    kind = expr.ty
    if not isinstance(kind, relax.TensorType) or not isinstance(kind.shape, relax.ShapeExpr):
        return None
    if not all(isinstance(extent, tvm.tirx.IntImm) for extent in kind.shape):
        return None
    return [int(extent) for extent in kind.shape]


def constant_of(expr: Any) -> np.ndarray | None:
    """The value of a tensor constant, None for anything else."""
    if isinstance(expr, tvm.ir.expr.GenericConst):
        return expr.value.numpy()
    return None


class _Rewriter:
    def __init__(self, builder: relax.BlockBuilder) -> None:
        self.builder = builder
        self.values: dict[Any, Stored | list[Stored]] = {}
        self.moved: dict[tuple[Any, Order], Any] = {}

    def bind(self, var: Any, value: Any) -> None:
        """Translate one binding and remember where its value is."""
        result: Stored | list[Stored] | None = None
        if isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op):
            rule = _RULES.get(value.op.name)
            result = rule(self, value) if rule else None
        elif isinstance(value, relax.TupleGetItem):
            fields = self.values.get(value.tuple_value)
            if isinstance(fields, list):
                result = fields[int(value.index)]
        elif isinstance(value, relax.Var):
            result = self.values.get(value)
        if result is None:
            expr = self.builder.emit(self.plain(value))
            shape = shape_of(expr)
            rank = len(shape) if shape is not None else 0
            result = Stored(expr, axis_order.identity(rank))
        self.values[var] = result

    def plain(self, expr: Any) -> Any:
        """`expr` with every variable replaced by its value as the model wrote it."""
        if isinstance(expr, relax.Var):
            value = self.values.get(expr)
            if value is None:
                return expr
            if isinstance(value, list):
                return relax.Tuple([self._to_identity(field) for field in value])
            return self._to_identity(value)
        if isinstance(expr, relax.Tuple):
            return relax.Tuple([self.plain(field) for field in expr.fields])
        if isinstance(expr, relax.TupleGetItem):
            return relax.TupleGetItem(self.plain(expr.tuple_value), expr.index)
        if isinstance(expr, relax.Call):
            arguments = [self.plain(argument) for argument in expr.args]
            return relax.Call(expr.op, arguments, expr.attrs, expr.ty_args)
        return expr

    def stored(self, expr: Any) -> Stored | None:
        """Where a tensor operand is; None for what is not a tensor of static shape."""
        shape = shape_of(expr)
        if shape is None:
            return None
        value = self.values.get(expr) if isinstance(expr, relax.Var) else None
        if isinstance(value, Stored):
            return value
        if isinstance(expr, relax.Var | tvm.ir.expr.GenericConst):
            return Stored(expr, axis_order.identity(len(shape)))
        return None

    def fields(self, expr: Any) -> list[Stored] | None:
        """Where the operands of a tuple are."""
        if isinstance(expr, relax.Var):
            value = self.values.get(expr)
            return value if isinstance(value, list) else None
        if not isinstance(expr, relax.Tuple):
            return None
        found = [self.stored(field) for field in expr.fields]
        return [field for field in found if field is not None] if None not in found else None

    def emit(self, expr: Any, order: Order) -> Stored:
        """Emit an expression whose result has its axes in `order`."""
        return Stored(self.builder.emit(expr), order)

    def repeat(self, call: Any, arguments: Sequence[Any], order: Order) -> Stored:
        """Emit the same call on other arguments."""
        return self.emit(relax.Call(call.op, list(arguments), call.attrs, call.ty_args), order)

    def in_order(self, value: Stored, order: Order) -> Any:
        """The expression of `value` with its axes brought to `order`, moved at most once."""
        if value.order == order:
            return value.expr
        axes = [value.order.index(axis) for axis in order]
        constant = constant_of(value.expr)
        if constant is not None:
            return relax.const(np.ascontiguousarray(constant.transpose(axes)))
        key = value.expr, order
        if key not in self.moved:
            shape = shape_of(value.expr)
            assert shape is not None
            if axis_order.moves_nothing(tuple(axes), shape):
                moved = relax.op.reshape(value.expr, [shape[axis] for axis in axes])
            else:
                moved = relax.op.permute_dims(value.expr, axes)
            self.moved[key] = self.builder.emit(moved)
        return self.moved[key]

    def logical_shape(self, value: Stored) -> list[int]:
        """The shape as the model wrote it."""
        shape = shape_of(value.expr)
        assert shape is not None
        return [shape[where] for where in axis_order.inverse(value.order)]

    def _to_identity(self, value: Stored) -> Any:
        return self.in_order(value, axis_order.identity(len(value.order)))


def _rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        for name in names:
            _RULES[f"relax.{name}"] = function
        return function

    return register


def _is_moved(value: Stored) -> bool:
    return value.order != axis_order.identity(len(value.order))


@_rule("nn.conv2d")
def _convolution(rewriter: _Rewriter, call: Any) -> Stored | None:
    image, weight = rewriter.stored(call.args[0]), rewriter.stored(call.args[1])
    layouts = call.attrs.data_layout, call.attrs.kernel_layout
    if image is None or weight is None or layouts != ("NCHW", "OIHW"):
        return None
    result = relax.op.nn.conv2d(
        rewriter.in_order(image, CHANNELS_LAST),
        rewriter.in_order(weight, (2, 3, 1, 0)),
        strides=[int(stride) for stride in call.attrs.strides],
        padding=[int(edge) for edge in call.attrs.padding],
        dilation=[int(step) for step in call.attrs.dilation],
        groups=int(call.attrs.groups),
        data_layout="NHWC",
        kernel_layout="HWIO",
    )
    return rewriter.emit(result, CHANNELS_LAST)


@_rule("nn.max_pool2d", "nn.avg_pool2d")
def _pool(rewriter: _Rewriter, call: Any) -> Stored | None:
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


@_rule("image.resize2d")
def _resize(rewriter: _Rewriter, call: Any) -> Stored | None:
    image, attributes = rewriter.stored(call.args[0]), call.attrs
    if image is None or attributes.layout != "NCHW" or not _is_moved(image):
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


@_rule(
    *("abs", "ceil", "clip", "cos", "erf", "exp", "floor", "log", "negative", "round", "rsqrt"),
    *("sigmoid", "sign", "sin", "sqrt", "square", "tanh", "astype", "isnan"),
    *("nn.relu", "nn.relu6", "nn.leakyrelu", "nn.gelu", "nn.gelu_tanh", "nn.silu", "nn.selu"),
    *("nn.softplus",),
)
def _unary(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not _is_moved(value):
        return None
    return rewriter.repeat(call, [value.expr, *call.args[1:]], value.order)


@_rule(
    *("add", "subtract", "multiply", "divide", "floor_divide", "mod", "power"),
    *("maximum", "minimum", "where"),
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_and", "logical_or", "logical_xor"),
)
def _broadcast(rewriter: _Rewriter, call: Any) -> Stored | None:
    found = [rewriter.stored(argument) for argument in call.args]
    values = [value for value in found if value is not None]
    if len(values) != len(call.args):
        return None
    rank = max(len(value.order) for value in values)
    order = next((v.order for v in values if len(v.order) == rank and _is_moved(v)), None)
    if order is None:
        return None
    return rewriter.repeat(call, [_operand(rewriter, v, order) for v in values], order)


def _operand(rewriter: _Rewriter, value: Stored, order: Order) -> Any:
    """`value` in `order`, with leading axes of length one where it has fewer; scalars as is."""
    missing = len(order) - len(value.order)
    if not value.order or not missing:
        return rewriter.in_order(value, order) if not missing else value.expr
    plain = rewriter.in_order(value, axis_order.identity(len(value.order)))
    shape = [1] * missing + rewriter.logical_shape(value)
    constant = constant_of(plain)
    if constant is not None:
        widened = relax.const(constant.reshape(shape))
    else:
        widened = rewriter.builder.emit(relax.op.reshape(plain, shape))
    return rewriter.in_order(Stored(widened, axis_order.identity(len(order))), order)


@_rule("concat")
def _concat(rewriter: _Rewriter, call: Any) -> Stored | None:
    values = rewriter.fields(call.args[0])
    order = next((value.order for value in values or [] if _is_moved(value)), None)
    if values is None or order is None or call.attrs.axis is None:
        return None
    axis = order.index(int(call.attrs.axis) % len(order))
    return rewriter.emit(
        relax.op.concat([rewriter.in_order(v, order) for v in values], axis), order
    )


@_rule("split")
def _split(rewriter: _Rewriter, call: Any) -> list[Stored] | None:
    value = rewriter.stored(call.args[0])
    if value is None or not _is_moved(value):
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


@_rule("strided_slice")
def _slice(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not _is_moved(value) or not isinstance(call.args[1], relax.Tuple):
        return None
    axes = [int(axis) % len(value.order) for axis in map(_integer, call.args[1].fields)]
    where = [value.order.index(axis) for axis in axes]
    rest = list(call.args[2:])
    result = relax.Call(
        call.op,
        [value.expr, relax.Tuple([relax.prim_value(axis) for axis in where]), *rest],
        call.attrs,
        call.ty_args,
    )
    return rewriter.emit(result, value.order)


def _integer(expr: Any) -> int:
    return int(getattr(expr, "value", expr))


@_rule("mean", "sum", "max", "min", "prod", "variance", "std")
def _reduce(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not _is_moved(value) or call.attrs.axis is None:
        return None
    axes = [int(axis) % len(value.order) for axis in call.attrs.axis]
    build = getattr(relax.op, call.op.name.removeprefix("relax."))
    keep = bool(call.attrs.keepdims)
    result = build(value.expr, axis=[value.order.index(a) for a in axes], keepdims=keep)
    order = value.order if keep else axis_order.without(value.order, axes)
    return rewriter.emit(result, order)


@_rule("nn.softmax", "nn.log_softmax")
def _softmax(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or not _is_moved(value):
        return None
    build = getattr(relax.op.nn, call.op.name.removeprefix("relax.nn."))
    axis = value.order.index(int(call.attrs.axis) % len(value.order))
    return rewriter.emit(build(value.expr, axis=axis), value.order)


@_rule("permute_dims")
def _permute(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    if value is None or constant_of(value.expr) is not None:
        return None
    rank = len(value.order)
    axes = (
        range(rank)[::-1] if call.attrs.axes is None else [int(a) % rank for a in call.attrs.axes]
    )
    return Stored(value.expr, axis_order.permuted(value.order, axes))


@_rule("reshape", "squeeze", "expand_dims", "flatten")
def _reshape(rewriter: _Rewriter, call: Any) -> Stored | None:
    value = rewriter.stored(call.args[0])
    target = shape_of(call)
    if value is None or target is None or not _is_moved(value):
        return None
    before, after = axis_order.reshaped(rewriter.logical_shape(value), target, value.order)
    source = rewriter.in_order(value, before)
    return rewriter.emit(relax.op.reshape(source, [target[axis] for axis in after]), after)
