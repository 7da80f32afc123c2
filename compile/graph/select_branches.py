"""Compute both branches of an `If` and select, so that no control flow divides a model's kernels.

Layouts, fusion and folding go through a straight sequence of operators alone. Both branches cost
their time; together they take far less than a model whose kernels are not scheduled.
"""

from __future__ import annotations

from collections.abc import Iterator

import tvm
import tvm_ffi
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate_counting


def select_branches(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with its branches as selections, and how many they were; exact.

    It stays as it is where the results of two branches differ in shape or type. Neither branch can
    end the process: integers are divided by constants alone (`compile.onnx.divisions`).
    """
    return translate_counting(mod, lambda builder, uses: _Selector(builder), accepts=_selectable)


class _Selector(Translator):
    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Bind a branch's own values in place of the `If`, then what is selected."""
        if not isinstance(value, relax.If):
            super().bind(var, value)
            return
        condition = self.plain(value.cond)
        if condition.ty.ndim:
            condition = self.builder.emit(relax.op.reshape(condition, []))
        yes, no = self._branch(value.true_branch), self._branch(value.false_branch)
        self.values[var] = self.builder.emit(_selected(condition, yes, no))
        self.applied += 1

    def _branch(self, branch: relax.SeqExpr) -> relax.Expr:
        for block in branch.blocks:
            for binding in block.bindings:
                self.bind(binding.var, binding.value)
        return self.plain(branch.body)


def _selected(condition: relax.Expr, yes: relax.Expr, no: relax.Expr) -> relax.Expr:
    if not isinstance(yes.ty, relax.TupleType):
        return relax.op.where(condition, yes, no)
    fields = range(len(yes.ty.fields))
    return relax.Tuple([_selected(condition, _field(yes, i), _field(no, i)) for i in fields])


def _field(value: relax.Expr, index: int) -> relax.Expr:
    return value.fields[index] if isinstance(value, relax.Tuple) else value[index]


def _selectable(function: relax.Function) -> bool:
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding) and _may_be_computed(binding.value)
        for binding in _bindings(function.body)
    )


def _bindings(sequence: relax.SeqExpr) -> Iterator[relax.Binding]:
    """The bindings of a sequence and of the branches in it."""
    for block in sequence.blocks:
        for binding in block.bindings:
            yield binding
            if isinstance(binding, relax.VarBinding) and isinstance(binding.value, relax.If):
                yield from _bindings(binding.value.true_branch)
                yield from _bindings(binding.value.false_branch)


def _may_be_computed(value: relax.Expr) -> bool:
    """Whether a value can be computed whatever the condition, and selected from."""
    if isinstance(value, relax.If):
        yes, no = value.true_branch.body.ty, value.false_branch.body.ty
        return bool(tvm_ffi.structural_equal(yes, no))
    return not isinstance(value, relax.Function)
