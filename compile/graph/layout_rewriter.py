"""Rewrite a Relax function while keeping track of where each tensor's axes lie in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
from tvm import relax

from compile.graph import axis_order
from compile.graph.axis_order import Order
from compile.graph.qdq import has_one_scale
from compile.graph.relax_rewriter import with_operands
from compile.graph.tensors import constant_of, is_operator, shape_of


@dataclass(frozen=True)
class Stored:
    """A tensor and the order of its axes in memory."""

    expr: Any
    order: Order


Rule = Callable[["Rewriter", Any], "Stored | list[Stored] | None"]
RULES: dict[str, Rule] = {}


class Rewriter:
    """Translates bindings one by one, by the rule of each operator."""

    def __init__(self, builder: relax.BlockBuilder) -> None:
        self.builder = builder
        self.values: dict[Any, Stored | list[Stored]] = {}
        self.moved: dict[tuple[Any, Order], Any] = {}

    def bind(self, var: Any, value: Any) -> None:
        """Translate one binding and remember where its value is."""
        result: Stored | list[Stored] | None = None
        if isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op):
            translate = RULES.get(value.op.name)
            result = translate(self, value) if translate else None
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
        return with_operands(expr, self._variable)

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
            moved = np.ascontiguousarray(constant.transpose(axes))
            return relax.const(moved, str(constant.dtype))
        key = value.expr, order
        if key not in self.moved:
            call = self._dequantised(value)
            if call is not None:
                bytes_ = self.in_order(Stored(call.args[0], value.order), order)
                same = relax.Call(call.op, [bytes_, *call.args[1:]], call.attrs, call.ty_args)
                self.moved[key] = self.builder.emit(same)
                return self.moved[key]
            shape = shape_of(value.expr)
            assert shape is not None
            if axis_order.moves_nothing(tuple(axes), shape):
                moved = relax.op.reshape(value.expr, [shape[axis] for axis in axes])
            else:
                moved = relax.op.permute_dims(value.expr, axes)
            self.moved[key] = self.builder.emit(moved)
        return self.moved[key]

    def _dequantised(self, value: Stored) -> Any | None:
        """The dequantisation that a tensor is: its bytes are moved instead, which are fewer."""
        known = isinstance(value.expr, relax.Var)
        call = self.builder.lookup_binding(value.expr) if known else None
        return call if is_operator(call, "dequantize") and has_one_scale(call) else None

    def logical_shape(self, value: Stored) -> list[int]:
        """The shape as the model wrote it."""
        shape = shape_of(value.expr)
        assert shape is not None
        return [shape[where] for where in axis_order.inverse(value.order)]

    def _variable(self, var: Any) -> Any:
        value = self.values.get(var)
        if value is None:
            return var
        if isinstance(value, list):
            return relax.Tuple([self._to_identity(field) for field in value])
        return self._to_identity(value)

    def _to_identity(self, value: Stored) -> Any:
        return self.in_order(value, axis_order.identity(len(value.order)))


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of Relax operators, named without their prefix."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[f"relax.{name}"] = function
        return function

    return register


def is_moved(value: Stored) -> bool:
    """Whether the tensor lies otherwise than the model wrote it."""
    return value.order != axis_order.identity(len(value.order))
