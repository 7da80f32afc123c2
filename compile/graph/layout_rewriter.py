"""Rewrite a Relax function while keeping track of where each tensor's axes lie in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tvm import relax
from tvm.ir.expr import GenericConst

from compile.graph import axis_order
from compile.graph.axis_order import Order
from compile.graph.qdq import has_one_scale
from compile.graph.relax_rewriter import call_on
from compile.graph.rule_rewriter import RuleRewriter, Rules
from compile.graph.tensors import constant_of, is_operator, shape_of, static_shape


@dataclass(frozen=True)
class Stored:
    """A tensor and the order of its axes in memory."""

    expr: relax.Expr
    order: Order


RULES = Rules()


class LayoutRewriter(RuleRewriter):
    """Keeps each tensor with the order of its axes in memory."""

    def __init__(self, builder: relax.BlockBuilder) -> None:
        super().__init__(builder, RULES)
        self.moved: dict[tuple[relax.Expr, Order], relax.Expr] = {}

    def kept(self, expr: relax.Expr) -> Stored:
        """An expression in the order in which the model wrote it."""
        shape = shape_of(expr)
        return Stored(expr, axis_order.identity(len(shape) if shape is not None else 0))

    def restored(self, value: Stored) -> relax.Expr:
        """A tensor with its axes in the order in which the model wrote them."""
        return self.in_order(value, axis_order.identity(len(value.order)))

    def stored(self, expr: relax.Expr) -> Stored | None:
        """Where a tensor operand is; None for what is not a tensor of static shape."""
        shape = shape_of(expr)
        if shape is None:
            return None
        value = self.values.get(expr) if isinstance(expr, relax.Var) else None
        if isinstance(value, Stored):
            return value
        if isinstance(expr, relax.Var | GenericConst):
            return Stored(expr, axis_order.identity(len(shape)))
        return None

    def fields(self, expr: relax.Expr) -> list[Stored] | None:
        """Where the operands of a tuple are."""
        if isinstance(expr, relax.Var):
            value = self.values.get(expr)
            return value if isinstance(value, list) else None
        if not isinstance(expr, relax.Tuple):
            return None
        found = [self.stored(field) for field in expr.fields]
        return [field for field in found if field is not None] if None not in found else None

    def emit(self, expr: relax.Expr, order: Order) -> Stored:
        """Emit an expression whose result has its axes in `order`."""
        return Stored(self.builder.emit(expr), order)

    def repeat(self, call: relax.Call, arguments: Sequence[relax.Expr], order: Order) -> Stored:
        """Emit the same call on other arguments."""
        return self.emit(call_on(call, arguments), order)

    def in_order(self, value: Stored, order: Order) -> relax.Expr:
        """The expression of `value` with its axes brought to `order`, moved at most once."""
        if value.order == order:
            return value.expr
        axes = [value.order.index(axis) for axis in order]
        constant = constant_of(value.expr)
        if constant is not None:
            moved = np.ascontiguousarray(constant.transpose(axes))
            return relax.const(moved, str(constant.dtype))
        key = value.expr, order
        if key not in self.moved:
            call = self._dequantised(value)
            if call is not None:
                bytes_ = self.in_order(Stored(call.args[0], value.order), order)
                same = call_on(call, [bytes_, *call.args[1:]])
                self.moved[key] = self.builder.emit(same)
                return self.moved[key]
            shape = static_shape(value.expr)
            if axis_order.moves_nothing(tuple(axes), shape):
                moved = relax.op.reshape(value.expr, [shape[axis] for axis in axes])
            else:
                moved = relax.op.permute_dims(value.expr, axes)
            self.moved[key] = self.builder.emit(moved)
        return self.moved[key]

    def _dequantised(self, value: Stored) -> relax.Expr | None:
        """The dequantisation that a tensor is: its bytes are moved instead, which are fewer."""
        known = isinstance(value.expr, relax.Var)
        call = self.builder.lookup_binding(value.expr) if known else None
        return call if is_operator(call, "dequantize") and has_one_scale(call) else None

    def logical_shape(self, value: Stored) -> list[int]:
        """The shape as the model wrote it."""
        shape = static_shape(value.expr)
        return [shape[where] for where in axis_order.inverse(value.order)]


def is_moved(value: Stored) -> bool:
    """Whether the tensor lies otherwise than the model wrote it."""
    return value.order != axis_order.identity(len(value.order))
