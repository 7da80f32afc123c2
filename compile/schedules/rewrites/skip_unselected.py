"""Skip the kernels of a branch that is not taken.

Both branches of an `If` are in the sequence of kernels, and a selection behind them. A kernel that
only one side of a selection reads is wrapped in its condition: where that does not hold,
the kernel returns at once and leaves memory that nobody reads.
"""

from __future__ import annotations

import tvm
from tvm import relax, s_tir, tirx
from tvm.s_tir import SBlockRealize
from tvm_ffi import structural_map, structural_walk

from compile.graph.relax_rewriter import Translator, call_on, translate
from compile.graph.tensors import is_operator
from compile.operators.loop_nests import block_like
from compile.operators.selection import SELECTION

# Conditions, and what each must be: what runs then only must run if all are so.
Guard = frozenset[tuple[relax.Var, bool]]
ALWAYS: Guard = frozenset()


def skip_unselected(mod: tvm.IRModule) -> tvm.IRModule:
    """The scheduled module, what only one side of a selection reads under its condition; exact."""
    selections = {var: one for var, one in mod.functions.items() if _is_selection(one)}
    if not selections:
        return mod
    guards = _guards(mod)
    mod = tvm.IRModule(dict(mod.functions), attrs=mod.attrs)
    for variable, function in selections.items():
        mod.update_func(variable, _copying(function))
    return translate(mod, lambda builder, _: _Skipper(builder, mod, guards))


def _is_selection(function: tvm.ir.BaseFunc) -> bool:
    return SELECTION in (function.attrs or {})


class _Guards:
    """Finds when each value of `main` is read, from its last binding to its first.

    A value that a kernel reads without need may be what a skipped kernel left, which must do no
    harm as an index: so a value is computed whenever one of its readers is.
    """

    def __init__(self, mod: tvm.IRModule) -> None:
        main = mod["main"]
        self.mod = mod
        self.bindings = [one for block in main.body.blocks for one in block.bindings]
        self.place = {one.var: place for place, one in enumerate(self.bindings)}
        self.place.update(dict.fromkeys(main.params, -1))
        self.needed: dict[relax.Var, Guard] = {}
        self.found: dict[relax.Var, Guard] = {}
        self.read(main.body.body, ALWAYS)

    def read(self, expr: relax.Expr, guard: Guard) -> None:
        """Take note that a value is read where `guard` holds."""
        if isinstance(expr, relax.Var):
            self.needed[expr] = self.needed.get(expr, guard) & guard
        elif isinstance(expr, relax.Tuple):
            for field in expr.fields:
                self.read(field, guard)
        elif isinstance(expr, relax.TupleGetItem):
            self.read(expr.tuple_value, guard)
        elif isinstance(expr, relax.Call):
            for argument in expr.args:
                self.read(argument, guard)

    def look(self, var: relax.Var, value: relax.Expr) -> None:
        """Note when a binding's value is needed, and with it its operands."""
        guard = self.needed.get(var, ALWAYS)
        if not is_operator(value, "call_tir"):
            is_call = isinstance(value, relax.Call)
            self.read(value, ALWAYS if is_call else guard)
            return
        function, operands = self.mod[value.args[0]], value.args[1].fields
        if not relax.analysis.has_reshape_pattern(function):  # which moves nothing
            guard = self._evaluated(var, function, guard)
            self.found[var] = guard
        if not _is_selection(function):
            self.read(value.args[1], guard)
            return
        condition, yes, no = operands
        self.read(condition, guard)
        known = isinstance(condition, relax.Var)
        self.read(yes, guard | {(condition, True)} if known else guard)
        self.read(no, guard | {(condition, False)} if known else guard)

    def _evaluated(self, var: relax.Var, function: tirx.PrimFunc, guard: Guard) -> Guard:
        """Of a guard, what is known before the kernel runs; its conditions are read."""
        if not isinstance(function.body, SBlockRealize):
            return ALWAYS
        guard = frozenset(one for one in guard if self.place[one[0]] < self.place[var])
        for condition, _ in guard:
            self.read(condition, frozenset(one for one in guard if one[0] != condition))
        return guard


def _guards(mod: tvm.IRModule) -> dict[relax.Var, Guard]:
    guards = _Guards(mod)
    for binding in reversed(guards.bindings):
        guards.look(binding.var, binding.value)
    return {var: guard for var, guard in guards.found.items() if guard}


class _Skipper(Translator):
    def __init__(
        self, builder: relax.BlockBuilder, mod: tvm.IRModule, guards: dict[relax.Var, Guard]
    ) -> None:
        super().__init__(builder)
        self.mod = mod
        self.guards = guards
        self.made: dict[tuple[str, tuple[bool, ...]], relax.GlobalVar] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        if var in self.guards:
            value = self._guarded(value, list(self.guards[var]))
        self.values[var] = self.builder.emit(self.plain(value))

    def _guarded(self, call: relax.Call, guard: list[tuple[relax.Var, bool]]) -> relax.Call:
        name, inputs = call.args
        wanted = tuple(holds for _, holds in guard)
        key = name.name_hint, wanted
        if key not in self.made:
            function = _under_conditions(self.mod[name], len(inputs.fields), wanted)
            self.made[key] = self.builder.add_func(function, f"{name.name_hint}_if")
        fields = relax.Tuple([*inputs.fields, *(condition for condition, _ in guard)])
        return call_on(call, [self.made[key], fields])


def _copying(selection: tirx.PrimFunc) -> tirx.PrimFunc:
    """A selection that reads only what it selects: one condition around all of its loops."""
    root = selection.body.block
    condition: list[tirx.Expr] = []
    structural_walk(root.body, (tirx.Select, lambda one: condition.append(one.condition)))
    yes = structural_map(root.body, (tirx.Select, lambda one: one.true_value))
    no = structural_map(root.body, (tirx.Select, lambda one: one.false_value))
    no = s_tir.renew_defs(tirx.PrimFunc([], no)).body
    body = tirx.IfThenElse(condition[0], yes, no)
    return selection.with_body(SBlockRealize([], True, block_like(root, body=body)))


def _under_conditions(
    function: tirx.PrimFunc, inputs: int, wanted: tuple[bool, ...]
) -> tirx.PrimFunc:
    """The function with a condition more for each of `wanted`; it runs if they are all so."""
    conditions = [tirx.decl_buffer([], "bool", f"condition_{i}") for i in range(len(wanted))]
    values = [
        condition[()] if holds else tirx.Not(condition[()])
        for condition, holds in zip(conditions, wanted, strict=True)
    ]
    root = function.body.block
    body = tirx.IfThenElse(tirx.all(*values), root.body, None)
    params = [*function.params[:inputs], *conditions, *function.params[inputs:]]
    realize = SBlockRealize([], True, block_like(root, body=body))
    return tirx.PrimFunc(params, realize, function.ret_type, attrs=function.attrs)
