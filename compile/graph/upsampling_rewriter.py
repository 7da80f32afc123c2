"""Rewrite a Relax function while keeping enlargements back until something needs their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tvm import relax

from compile.graph.qdq import scale_and_zero
from compile.graph.relax_rewriter import call_on
from compile.graph.rule_rewriter import RuleRewriter, Rules
from compile.graph.tensors import is_operator, shape_of
from compile.graph.upsampling import Commutes, Enlarged

# What a rule makes of a call: an enlargement, one for each field of a tuple, or an expression.
Result = Enlarged | list[Enlarged] | relax.Expr


class UpsamplingRewriter(RuleRewriter):
    """Keeps enlargements back until something needs their pixels.

    `concatenations` has what each concatenation joins; `applied` counts the convolutions that run
    on fewer pixels.
    """

    def __init__(self, builder: relax.BlockBuilder, rules: Rules) -> None:
        super().__init__(builder, rules)
        self.enlargements: dict[Enlarged, relax.Expr] = {}
        self.concatenations: dict[relax.Var, list[relax.Expr]] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Translate one binding."""
        super().bind(var, value)
        if is_operator(value, "concat") and isinstance(value.args[0], relax.Tuple):
            self.concatenations[var] = list(value.args[0].fields)

    def restored(self, value: Enlarged | relax.Expr) -> relax.Expr:
        """The whole image."""
        return self.emit_whole(value) if isinstance(value, Enlarged) else value

    def enlarged(self, expr: relax.Expr) -> Enlarged | None:
        """The enlargement that an operand is, if it is one."""
        value = self.values.get(expr) if isinstance(expr, relax.Var) else None
        return value if isinstance(value, Enlarged) else None

    def emit_whole(self, value: Enlarged) -> relax.Expr:
        """The image itself, made once; of bytes, where its pixels are dequantised ones."""
        if value not in self.enlargements:
            stored = self._stored(value)
            if stored is None:
                self.enlargements[value] = value.apply(self.builder)
            else:
                call, bytes_ = stored
                image = [bytes_.apply(self.builder), *call.args[1:]]
                larger = call_on(call, image)
                self.enlargements[value] = self.builder.emit(larger)
        return self.enlargements[value]

    def _stored(self, value: Enlarged) -> tuple[relax.Call, Enlarged] | None:
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
        operation: Callable[..., relax.Expr],
        needs: Commutes,
    ) -> Enlarged | None:
        """`operation` of the sources of enlargements that are alike, enlarged.

        None where one of the enlargements does not commute with what the operation `needs`.
        """
        if any(value.commutes < needs for value in values):
            return None
        steps = values[0].steps
        results: dict[tuple[relax.Expr, ...], relax.Expr] = {}
        for sources in zip(*(value.sources for value in values), strict=True):
            if sources not in results:
                results[sources] = self.builder.emit(operation(*sources))
        order = zip(*(value.sources for value in values), strict=True)
        return Enlarged(tuple(results[sources] for sources in order), steps)


def saves_pixels(value: Enlarged, call: relax.Call) -> bool:
    """Whether the call reads and writes fewer pixels before the enlargement than behind it."""
    shape, source = shape_of(call), shape_of(value.sources[0])
    if shape is None or source is None:
        return False
    computed = len(set(value.sources)) * source[-1] * source[-2]
    return computed < shape[-1] * shape[-2]
