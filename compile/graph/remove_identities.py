"""Remove operators that change nothing, and what nobody reads; exact.

Constants are computed first, since many operators are identities only once their operand is known.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import tvm
from tvm import relax

from compile.graph.relax_rewriter import Translator, translate
from compile.graph.tensors import constant_of, integers, is_operator, shape_of
from compile.library_errors import silenced

# Twice is as good as once.
_IDEMPOTENT = ("nn.relu", "nn.relu6", "abs", "ceil", "floor", "round", "sign")
_NEUTRAL = {"add": 0.0, "subtract": 0.0, "multiply": 1.0, "divide": 1.0, "power": 1.0}
_COMMUTATIVE = ("add", "multiply")


def fold_constants(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with operators of training in their form for inference and constants computed."""
    passes = [
        relax.transform.DecomposeOpsForInference(),
        relax.transform.FoldConstant(),
        relax.transform.DeadCodeElimination(),
    ]
    with silenced():
        return tvm.transform.Sequential(passes)(mod)


def remove_identities(mod: tvm.IRModule) -> tuple[tvm.IRModule, int]:
    """The module without identities and unread values, and how many operators are gone.

    Those that constants alone go into are not counted.
    """
    known = fold_constants(mod)
    result = fold_constants(translate(known, lambda builder, _: _Remover(builder)))
    return result, _count(known) - _count(result)


class _Remover(Translator):
    def changed(self, var: relax.Var, value: relax.Expr) -> relax.Expr | None:
        """What the value is the same as; None where it is a new one."""
        if isinstance(value, relax.Var):
            return value
        if not isinstance(value, relax.Call) or not value.args:
            return None
        kept = _same_operand(value, var, self.builder)
        # A tensor of another type or of a shape that is broadcast is another value.
        if kept is None or shape_of(kept) is None or shape_of(kept) != shape_of(var):
            return None
        return kept if str(kept.ty.dtype) == str(var.ty.dtype) else None


def _same_operand(
    call: relax.Call, var: relax.Var, builder: relax.BlockBuilder
) -> relax.Expr | None:
    first = call.args[0]
    name = call.op.name.removeprefix("relax.") if isinstance(call.op, tvm.ir.Op) else ""
    if name in _NEUTRAL:
        second = call.args[1]
        if _is_all(second, _NEUTRAL[name]):
            return first
        return second if name in _COMMUTATIVE and _is_all(first, _NEUTRAL[name]) else None
    if name == "maximum":
        return first if _is_all(call.args[1], -np.inf) else None
    if name == "minimum":
        return first if _is_all(call.args[1], np.inf) else None
    if name in _IDEMPOTENT and isinstance(first, relax.Var):
        return first if is_operator(builder.lookup_binding(first), name) else None
    if name in ("reshape", "squeeze", "expand_dims", "flatten", "astype", "broadcast_to"):
        return first  # to the same shape and type, which the caller sees to
    if name == "where":
        condition = constant_of(first)
        return None if condition is None else _chosen(condition, *call.args[1:])
    if name == "permute_dims" and call.attrs.axes is not None:
        axes = integers(call.attrs.axes)
        return first if axes == tuple(range(len(axes))) else None
    if name == "concat" and isinstance(first, relax.Tuple) and len(first.fields) == 1:
        return first.fields[0]
    if name == "image.resize2d" and str(call.attrs.coordinate_transformation_mode) in (
        "half_pixel",
        "pytorch_half_pixel",
        "asymmetric",
        "align_corners",
    ):
        return first
    if name in ("nn.max_pool2d", "nn.avg_pool2d"):
        is_point = set(integers(call.attrs.pool_size)) == {1}
        return first if is_point and not any(integers(call.attrs.padding)) else None
    return None


def _chosen(condition: np.ndarray, if_true: relax.Expr, if_false: relax.Expr) -> relax.Expr | None:
    """The operand that all elements are taken from."""
    if condition.all():
        return if_true
    return None if condition.any() else if_false


def _is_all(expr: relax.Expr, number: float) -> bool:
    value = constant_of(expr)
    return value is not None and value.dtype.kind == "f" and bool((value == number).all())


def _count(mod: tvm.IRModule) -> int:
    """How many calls `main` makes."""
    calls: Counter[str] = Counter()
    for block in mod["main"].body.blocks:
        for binding in block.bindings:
            calls["calls"] += isinstance(binding.value, relax.Call)
    return calls["calls"]
