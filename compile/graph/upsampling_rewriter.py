"""Rewrite a Relax function while keeping enlargements back until something needs their pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tvm
from tvm import relax

from compile.graph.qdq import scale_and_zero
from compile.graph.relax_rewriter import with_operands
from compile.graph.tensors import is_operator, shape_of
from compile.graph.upsampling import Commutes, Enlarged

# What a rule makes of a call: an enlargement, one for each field of a tuple, or an expression.
Result = Enlarged | list[Enlarged] | Any
Rule = Callable[["Rewriter", Any], Result | None]


class Rewriter:
    """Translates bindings one by one, by the rule of each operator.

    An operator without a rule, or whose rule gives None, reads the images whole. `concatenations`
    has what each concatenation joins; `applied` counts the convolutions that run on fewer pixels.
    """

    def __init__(self, builder: relax.BlockBuilder, rules: Mapping[str, Rule]) -> None:
        self.builder = builder
        self.rules = rules
        self.values: dict[Any, Result] = {}
        self.whole: dict[Enlarged, Any] = {}
        self.concatenations: dict[Any, list[Any]] = {}
        self.applied = 0

    def bind(self, var: Any, value: Any) -> None:
        """Translate one binding."""
        result: Result | None = None
        if isinstance(value, relax.Call) and isinstance(value.op, tvm.ir.Op):
            rule = self.rules.get(value.op.name)
            result = rule(self, value) if rule else None
        elif isinstance(value, relax.TupleGetItem):
            fields = self.values.get(value.tuple_value)
            result = fields[int(value.index)] if isinstance(fields, list) else None
        elif isinstance(value, relax.Var):
            result = self.values.get(value)
        if result is None:
            result = self.builder.emit(self.plain(value))
        self.values[var] = result
        if is_operator(value, "concat") and isinstance(value.args[0], relax.Tuple):
            self.concatenations[var] = list(value.args[0].fields)

    def plain(self, expr: Any) -> Any:
        """`expr` with every variable replaced by its whole value."""
        return with_operands(expr, self._variable)

    def enlarged(self, expr: Any) -> Enlarged | None:
        """The enlargement that an operand is, if it is one."""
        value = self.values.get(expr) if isinstance(expr, relax.Var) else None
        return value if isinstance(value, Enlarged) else None

    def emit_whole(self, value: Enlarged) -> Any:
        """The image itself, made once; of bytes, where its pixels are dequantised ones."""
        if value not in self.whole:
            stored = self._stored(value)
            if stored is None:
                self.whole[value] = value.apply(self.builder)
            else:
                call, bytes_ = stored
                image = [bytes_.apply(self.builder), *call.args[1:]]
                larger = relax.Call(call.op, image, call.attrs, call.ty_args)
                self.whole[value] = self.builder.emit(larger)
        return self.whole[value]

    def _stored(self, value: Enlarged) -> tuple[Any, Enlarged] | None:
        """A dequantisation, and the enlarged bytes that it makes the image of."""
        calls = [self.builder.lookup_binding(source) for source in value.sources]
        if not all(is_operator(call, "dequantize") for call in calls):
            return None
        scales = {scale_and_zero(call) for call in calls}
        if len(scales) > 1 or None in scales or value.commutes < Commutes.POINTWISE:
            return None
        return calls[0], Enlarged(tuple(call.args[0] for call in calls), value.steps)

    def on_sources(
        self,
        values: Sequence[Enlarged],
        operation: Callable[..., Any],
        needs: Commutes,
    ) -> Enlarged | None:
        """`operation` of the sources of enlargements that are alike, enlarged.

        None where one of the enlargements does not commute with what the operation `needs`.
        """
        if any(value.commutes < needs for value in values):
            return None
        steps = values[0].steps
        results: dict[tuple[Any, ...], Any] = {}
        for sources in zip(*(value.sources for value in values), strict=True):
            if sources not in results:
                results[sources] = self.builder.emit(operation(*sources))
        order = zip(*(value.sources for value in values), strict=True)
        return Enlarged(tuple(results[sources] for sources in order), steps)

    def _variable(self, var: Any) -> Any:
        value = self.values.get(var, var)
        if isinstance(value, list):
            return relax.Tuple([self.emit_whole(field) for field in value])
        return self.emit_whole(value) if isinstance(value, Enlarged) else value


def saves_pixels(value: Enlarged, call: Any) -> bool:
    """Whether the call reads and writes fewer pixels before the enlargement than behind it."""
    shape, source = shape_of(call), shape_of(value.sources[0])
    if shape is None or source is None:
        return False
    computed = len(set(value.sources)) * source[-1] * source[-2]
    return computed < shape[-1] * shape[-2]
