"""Write a Relax function again, binding by binding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import tvm
from tvm import relax
from tvm.ir.expr import GenericConst
from tvm_ffi import structural_walk

Uses = Counter[relax.Var]
"""How often each variable of a function is read."""


class Translator:
    """Says what becomes of each binding of a function; here, nothing else than it was.

    `values` has what has become of each variable, `applied` how often something was changed.
    """

    def __init__(self, builder: relax.BlockBuilder) -> None:
        self.builder = builder
        self.values: dict[relax.Var, Any] = {}
        self.applied = 0

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Translate one binding: what `changed` makes of it, a call as a binding of its own."""
        value = self.plain(value)
        made = self.changed(var, value)
        if made is None:
            made = self.builder.emit(value)
        elif not isinstance(made, relax.Var | GenericConst):  # which need no binding
            made = self.builder.emit(made)
        self.values[var] = made

    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        """What takes the place of a value whose operands are translated; None where it stays."""
        return None

    def plain(self, expr: relax.Expr) -> relax.Expr:
        """`expr` with every variable replaced by what has become of it."""
        return with_operands(expr, self.whole)

    def whole(self, var: relax.Var) -> relax.Expr:
        """What has become of a variable, as an expression for those who know of nothing else."""
        return self.values.get(var, var)


def translate(
    mod: tvm.IRModule,
    new_translator: Callable[[relax.BlockBuilder, Uses], Translator],
    accepts: Callable[[relax.Function], bool] | None = None,
) -> tvm.IRModule:
    """The module with its function `main` written again by a translator.

    The translator is given the builder to emit to, and how often each variable is read. A
    function that it does not accept, by default one with branches, is left alone.
    """
    main = mod["main"]
    if not (accepts or is_straight)(main):
        return mod
    rest = {var: function for var, function in mod.functions.items() if var.name_hint != "main"}
    builder = relax.BlockBuilder(tvm.IRModule(rest))
    attributes = dict(main.attrs) if main.attrs else {}
    with builder.function("main", list(main.params), attrs=attributes):
        with builder.dataflow():
            translator = new_translator(builder, _uses(main))
            for block in main.body.blocks:
                for binding in block.bindings:
                    translator.bind(binding.var, binding.value)
            result = builder.emit_output(translator.plain(main.body.body))
        builder.emit_func_output(result)
    return relax.transform.DeadCodeElimination()(builder.finalize())


def translate_counting(
    mod: tvm.IRModule,
    new_translator: Callable[[relax.BlockBuilder, Uses], Translator],
    accepts: Callable[[relax.Function], bool] | None = None,
) -> tuple[tvm.IRModule, int]:
    """The module written again and how often that changed it; the module itself if it never did."""
    made: list[Translator] = []

    def new(builder: relax.BlockBuilder, uses: Uses) -> Translator:
        made.append(new_translator(builder, uses))
        return made[-1]

    result = translate(mod, new, accepts)
    applied = sum(one.applied for one in made)
    return (result, applied) if applied > 0 else (mod, 0)


def with_operands(expr: relax.Expr, replace: Callable[[relax.Var], relax.Expr]) -> relax.Expr:
    """`expr` with `replace` applied to each variable in it."""
    if isinstance(expr, relax.Var):
        return replace(expr)
    if isinstance(expr, relax.Tuple):
        return relax.Tuple([with_operands(field, replace) for field in expr.fields])
    if isinstance(expr, relax.TupleGetItem):
        return relax.TupleGetItem(with_operands(expr.tuple_value, replace), expr.index)
    if isinstance(expr, relax.Call):
        return call_on(expr, [with_operands(argument, replace) for argument in expr.args])
    return expr


def call_on(call: relax.Call, arguments: Sequence[relax.Expr]) -> relax.Call:
    """The same call on other arguments."""
    return relax.Call(call.op, list(arguments), call.attrs, call.ty_args)


def is_straight(function: relax.Function) -> bool:
    """Whether a Relax function is a sequence of bindings without branches or inner functions."""
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding)
        and not isinstance(binding.value, relax.If | relax.Function)
        for block in function.body.blocks
        for binding in block.bindings
    )


def _uses(function: relax.Function) -> Uses:
    uses: Uses = Counter()

    def count(var: relax.Var) -> None:
        uses[var] += 1

    for block in function.body.blocks:
        for binding in block.bindings:
            structural_walk(binding.value, (relax.Var, count))
    structural_walk(function.body.body, (relax.Var, count))
    return uses
