"""Turn the loops that TVM imports ONNX's Clip as back into operators.

The importer writes Clip as loops that take a maximum and a minimum, with a guard against NaN bounds
in front. Neither layouts nor fusion can see through them; `maximum` and `minimum` they know.
"""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax, tirx
from tvm.ir.expr import GenericConst, TensorLoad
from tvm.relax.expr_functor import PyExprMutator, mutator
from tvm.s_tir import SBlock
from tvm_ffi import structural_walk


def clip_to_minmax(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with elementwise extrema against one number as Relax operators; exact."""
    rewriter = _ClipMutator(mod)
    for variable, function in mod.functions.items():
        if isinstance(function, relax.Function):
            rewriter.builder_.update_func(variable, rewriter.visit_expr(function))
    return relax.transform.DeadCodeElimination()(rewriter.builder_.finalize())


@mutator
class _ClipMutator(PyExprMutator):
    def __init__(self, mod: tvm.IRModule) -> None:
        super().__init__(mod)
        self.module = mod

    def visit_call_(self, call: relax.Call) -> relax.Expr:
        call = super().visit_call_(call)
        if call.op != tvm.ir.Op.get("relax.call_tir"):
            return call
        found = extremum(self.module[call.args[0]])
        if found is None:
            return call
        operator, bound = found
        operands = call.args[1].fields
        number = self._number(operands[1]) if bound is None else bound
        if number is None:
            return call
        dtype = str(operands[0].ty.dtype)
        return getattr(relax.op, operator)(operands[0], relax.const(number, dtype))

    def _number(self, expr: relax.Expr) -> float | None:
        """The scalar that `expr` is, seen through the importer's guard against NaN."""
        if isinstance(expr, relax.Var):
            expr = self.lookup_binding(expr)
        if isinstance(expr, relax.Call) and expr.op == tvm.ir.Op.get("relax.where"):
            expr = expr.args[2]
        if not isinstance(expr, GenericConst):
            return None
        value = expr.value.numpy()
        return float(value.item()) if value.size == 1 and not np.isnan(value).any() else None


def extremum(function: tirx.PrimFunc) -> tuple[str, float | None] | None:
    """Name and bound of a function that is one elementwise maximum or minimum.

    The bound is None where it is the function's second operand; None for any other function.
    """
    stores: list[tirx.BufferStore] = []
    structural_walk(function.body, (tirx.BufferStore, stores.append))
    blocks: list[SBlock] = []
    structural_walk(function.body, (SBlock, blocks.append))
    if len(stores) != 1 or len(blocks) != 2:  # the root and one more
        return None
    value, at = stores[0].value, stores[0].indices
    if not isinstance(value, tirx.Max | tirx.Min):
        return None
    operator = "maximum" if isinstance(value, tirx.Max) else "minimum"
    if not isinstance(value.a, TensorLoad) or not _same(value.a.indices, at):
        return None
    if isinstance(value.b, tirx.FloatImm):
        return operator, float(value.b.value)
    if isinstance(value.b, TensorLoad) and len(value.b.indices) == 0:
        return operator, None
    return None


def _same(left: relax.Expr, right: relax.Expr) -> bool:
    return len(left) == len(right) and all(a.same_as(b) for a, b in zip(left, right, strict=True))
