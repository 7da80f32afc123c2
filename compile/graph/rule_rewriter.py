"""Rewrite a Relax function by a rule for each operator, values kept in another form meanwhile."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator

# Relax operators on each element of one operand, which keep its type.
UNARY = (
    *("abs", "ceil", "clip", "cos", "erf", "exp", "floor", "log", "negative", "round", "rsqrt"),
    *("sigmoid", "sign", "sin", "sqrt", "square", "tanh", "isnan"),
    *("nn.relu", "nn.relu6", "nn.leakyrelu", "nn.gelu", "nn.gelu_tanh", "nn.silu", "nn.selu"),
    *("nn.softplus",),
)
# What a rule makes of a call for a rewriter: a value in its form, one for each field of a tuple, or
# None where the operator is applied as the model wrote it.
Rule = Callable[[Any, relax.Call], Any]
R = TypeVar("R", bound=Rule)


class Rules(dict[str, Rule]):
    """Rules by the name of a Relax operator."""

    def rule(self, *names: str) -> Callable[[R], R]:
        """Register a function as the rule of operators, named without their prefix."""

        def register(function: R) -> R:
            for name in names:
                self[f"relax.{name}"] = function
            return function

        return register


class RuleRewriter(Translator):
    """Translates bindings one by one, by the rule of each operator.

    A value is kept in the form that rules give it, one for each field of a tuple, until something
    without a rule reads it.
    """

    def __init__(self, builder: relax.BlockBuilder, rules: Rules) -> None:
        super().__init__(builder)
        self._rules = rules

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Translate one binding and remember its value."""
        result = None
        if isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op):
            rule = self._rules.get(value.op.name)
            result = rule(self, value) if rule else None
        elif isinstance(value, relax.TupleGetItem):
            fields = self.values.get(value.tuple_value)
            result = fields[int(value.index)] if isinstance(fields, list) else None
        elif isinstance(value, relax.Var):
            result = self.values.get(value)
        if result is None:
            result = self.kept(self.builder.emit(self.plain(value)))
        self.values[var] = result

    def kept(self, expr: relax.Expr) -> relax.Expr:
        """The form in which an expression is kept that is as the model wrote it."""
        return expr

    def whole(self, var: relax.Var) -> relax.Expr:
        """A variable's value as the model wrote it."""
        value = self.values.get(var)
        if value is None:
            return var
        if isinstance(value, list):
            return relax.Tuple([self.restored(field) for field in value])
        return self.restored(value)

    @abstractmethod
    def restored(self, value: relax.Expr) -> relax.Expr:
        """A kept value as the model wrote it."""
