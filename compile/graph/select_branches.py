"""Write both branches of an `If` and select, so that no control flow divides a model's kernels.

Layouts, fusion and folding go through a straight sequence of operators. Branches of arithmetic
on elements fuse with what is around them, and both are computed. A selection between others is a
kernel of its own, and the kernels that only one side of it reads are skipped while the other is
selected: see `compile.schedules.rewrites.skip_unselected`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import tvm
import tvm_ffi
from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.relax_rewriter import Translator, Uses, translate_counting
from compile.graph.rule_rewriter import UNARY
from compile.graph.tensors import is_operator

# Cheaper to compute for nothing than to select apart.
_ELEMENTWISE = (
    *(*UNARY, "add", "subtract", "multiply", "divide", "maximum", "minimum", "power", "where"),
    *("equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "astype"),
    *("reshape", "squeeze", "expand_dims"),
)

# The binding that reads a variable, None for the function's result; and where that is an `If`
# which reads it as a branch's result, whether of the one that is taken if its condition holds.
Reader = tuple[relax.Var | None, bool | None]


def select_branches(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module with its branches as selections, and how many they were; exact.

    It stays as it is where the results of two branches differ in shape or type. Neither branch can
    end the process: integers are divided by constants alone (`compile.onnx.divisions`).
    """

    def selector(builder: relax.BlockBuilder, _: Uses) -> _Selector:
        return _Selector(builder, _owned(mod["main"]))

    return translate_counting(mod, selector, accepts=_selectable)


class _Selector(Translator):
    """Binds what an `If` alone reads behind its condition, which then says what is needed."""

    def __init__(
        self, builder: relax.BlockBuilder, owned: dict[relax.Var, list[relax.VarBinding]]
    ) -> None:
        super().__init__(builder)
        self.owned = owned
        self.later = {binding.var for bindings in owned.values() for binding in bindings}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        """Bind a branch's own values in place of the `If`, then what is selected."""
        if var in self.later:
            return
        if isinstance(value, relax.TupleGetItem) and value.tuple_value in self.values:
            made = self.values[value.tuple_value]
            if isinstance(made, relax.Tuple):  # of what several results of an `If` are
                self.values[var] = made.fields[int(value.index)]
                return
        if not isinstance(value, relax.If):
            super().bind(var, value)
            return
        own = self.owned.get(var, [])
        # One number of rank 0 makes a selection of its own: see `compile.operators.selection`.
        condition, shape = self.plain(value.cond), [] if var in self.owned else [1]
        if condition.ty.ndim != len(shape):
            condition = self.builder.emit(relax.op.reshape(condition, shape))
        self.later -= {one.var for one in own}
        for one in own:
            self.bind(one.var, one.value)
        yes, no = self._branch(value.true_branch), self._branch(value.false_branch)
        self.values[var] = self._selected(condition, yes, no)
        self.applied += 1

    def _branch(self, branch: relax.SeqExpr) -> relax.Expr:
        for block in branch.blocks:
            for binding in block.bindings:
                self.bind(binding.var, binding.value)
        return self.plain(branch.body)

    def _selected(self, condition: relax.Expr, yes: relax.Expr, no: relax.Expr) -> relax.Expr:
        if not isinstance(yes.ty, relax.TupleType):
            return self.builder.emit(relax.op.where(condition, yes, no))
        pairs = [(_field(yes, i), _field(no, i)) for i in range(len(yes.ty.fields))]
        return relax.Tuple([self._selected(condition, *pair) for pair in pairs])


def _owned(function: relax.Function) -> dict[relax.Var, list[relax.VarBinding]]:
    """What is bound outside an `If` and read by one of its branches alone, where that is much.

    TVM's importer binds there most of what a branch computes. What one `If` within another owns is
    not among what the outer one does.
    """
    bindings = list(_bindings(function.body))
    readers = _readers(function, bindings)
    taken = {one.var for branch in bindings for one in _inside(branch.value)}
    owned: dict[relax.Var, list[relax.VarBinding]] = {}
    for branch in bindings:
        if isinstance(branch.value, relax.If):
            found = set()
            for side in (True, False):
                found |= _read_by((branch.var, side), bindings, readers)
            own = [one for one in bindings if one.var in found - taken]
            if not all(map(_is_elementwise, (*own, *_inside(branch.value)))):
                owned[branch.var] = own
                taken |= found
    return owned


def _readers(
    function: relax.Function, bindings: Sequence[relax.VarBinding]
) -> dict[relax.Var, set[Reader]]:
    """Which bindings read each variable, and for the results of branches which branch of which."""
    readers: dict[relax.Var, set[Reader]] = defaultdict(set)

    def note(expr: relax.Expr, reader: Reader) -> None:
        structural_walk(expr, (relax.Var, lambda var: readers[var].add(reader)))

    for binding in bindings:
        if isinstance(binding.value, relax.If):
            note(binding.value.cond, (binding.var, None))
            note(binding.value.true_branch.body, (binding.var, True))
            note(binding.value.false_branch.body, (binding.var, False))
        else:
            note(binding.value, (binding.var, None))
    note(function.body.body, (None, None))
    return readers


def _read_by(
    branch: Reader,
    bindings: Sequence[relax.VarBinding],
    readers: Mapping[relax.Var, set[Reader]],
) -> set[relax.Var]:
    """The variables that nothing reads but the branch, and what it alone reads."""
    found: set[relax.Var | None] = set()
    for binding in reversed(bindings):
        if all(one == branch or one[0] in found for one in readers.get(binding.var, ())):
            found.add(binding.var)
    return found


def _field(value: relax.Expr, index: int) -> relax.Expr:
    return value.fields[index] if isinstance(value, relax.Tuple) else value[index]


def _is_elementwise(binding: relax.VarBinding) -> bool:
    value = binding.value
    return not isinstance(value, relax.Call) or is_operator(value, *_ELEMENTWISE)


def _selectable(function: relax.Function) -> bool:
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding) and _may_be_computed(binding.value)
        for binding in _bindings(function.body)
    )


def _bindings(sequence: relax.SeqExpr) -> Iterator[relax.Binding]:
    """The bindings of a sequence and of the branches in it."""
    for block in sequence.blocks:
        for binding in block.bindings:
            yield from _inside(binding.value)
            yield binding


def _inside(value: relax.Expr) -> Iterator[relax.Binding]:
    """The bindings of an `If`, those of others in it among them."""
    if isinstance(value, relax.If):
        yield from _bindings(value.true_branch)
        yield from _bindings(value.false_branch)


def _may_be_computed(value: relax.Expr) -> bool:
    """Whether a value can be computed whatever the condition, and selected from."""
    if isinstance(value, relax.If):
        yes, no = value.true_branch.body.ty, value.false_branch.body.ty
        return bool(tvm_ffi.structural_equal(yes, no))
    return not isinstance(value, relax.Function)
