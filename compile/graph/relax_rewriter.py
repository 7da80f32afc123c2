"""Write a function again, binding by binding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import tvm
from tvm import relax
from tvm_ffi import structural_walk


class Translator(Protocol):
    """Says what becomes of each binding of a function."""

    def bind(self, var: Any, value: Any) -> None:
        """Translate one binding."""

    def plain(self, expr: Any) -> Any:
        """`expr` with every variable replaced by what has become of it."""


def translate(
    mod: tvm.IRModule, new_translator: Callable[[relax.BlockBuilder, Counter[Any]], Translator]
) -> tvm.IRModule:
    """The module with its function `main` written again by a translator.

    The translator is given the builder to emit to, and how often each variable is read. A
    function with branches is left alone.
    """
    main = mod["main"]
    if not is_straight(main):
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


class Counting(Translator, Protocol):
    """A translator that counts in `applied` how often it changed something."""

    applied: int


def translate_counting(
    mod: tvm.IRModule, new_translator: Callable[[relax.BlockBuilder, Counter[Any]], Counting]
) -> tuple[tvm.IRModule, int]:
    """The module written again and how often that changed it; the module itself if never."""
    made: list[Counting] = []

    def new(builder: relax.BlockBuilder, uses: Counter[Any]) -> Counting:
        made.append(new_translator(builder, uses))
        return made[-1]

    result = translate(mod, new)
    applied = sum(one.applied for one in made)
    return (result, applied) if applied else (mod, 0)


def with_operands(expr: Any, replace: Callable[[Any], Any]) -> Any:
    """`expr` with `replace` applied to each variable in it."""
    if isinstance(expr, relax.Var):
        return replace(expr)
    if isinstance(expr, relax.Tuple):
        return relax.Tuple([with_operands(field, replace) for field in expr.fields])
    if isinstance(expr, relax.TupleGetItem):
        return relax.TupleGetItem(with_operands(expr.tuple_value, replace), expr.index)
    if isinstance(expr, relax.Call):
        arguments = [with_operands(argument, replace) for argument in expr.args]
        return relax.Call(expr.op, arguments, expr.attrs, expr.ty_args)
    return expr


def is_straight(function: Any) -> bool:
    """Whether a Relax function is a sequence of bindings without branches or inner functions."""
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding)
        and not isinstance(binding.value, relax.If | relax.Function)
        for block in function.body.blocks
        for binding in block.bindings
    )


def _uses(function: Any) -> Counter[Any]:
    uses: Counter[Any] = Counter()

    def count(var: Any) -> None:
        uses[var] += 1

    for block in function.body.blocks:
        for binding in block.bindings:
            structural_walk(binding.value, (relax.Var, count))
    structural_walk(function.body.body, (relax.Var, count))
    return uses
