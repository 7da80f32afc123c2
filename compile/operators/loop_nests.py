"""Look into loop nests, and rewrite those of a module one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tvm
from tvm import tirx
from tvm_ffi import structural_walk


def map_loop_nests(mod: tvm.IRModule, rewritten: Callable[[Any], Any]) -> tvm.IRModule:
    """The module with `rewritten` of each of its tirx functions in its place."""
    changed = {
        variable: rewritten(function)
        for variable, function in mod.functions.items()
        if isinstance(function, tirx.PrimFunc)
    }
    return tvm.IRModule({**dict(mod.functions), **changed}, attrs=mod.attrs)


def is_among(one: Any, others: Iterable[Any]) -> bool:
    """Whether one of the nodes is this very node."""
    return any(one.same_as(other) for other in others)


def mentions(expression: Any, variable: Any) -> bool:
    """Whether the variable occurs in the expression."""
    found: list[Any] = []
    structural_walk(
        expression, (tirx.Var, lambda one: found.append(one) if one.same_as(variable) else None)
    )
    return bool(found)
