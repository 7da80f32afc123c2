"""Look into loop nests, and rewrite those of a module one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tvm
from tvm import tirx
from tvm.s_tir import SBlock
from tvm_ffi import Object, structural_walk


def map_loop_nests(
    mod: tvm.IRModule, rewritten: Callable[[tirx.PrimFunc], tirx.PrimFunc]
) -> tvm.IRModule:
    """The module with `rewritten` of each of its tirx functions in its place."""
    changed = {
        variable: rewritten(function)
        for variable, function in mod.functions.items()
        if isinstance(function, tirx.PrimFunc)
    }
    return tvm.IRModule({**dict(mod.functions), **changed}, attrs=mod.attrs)


def is_among(one: Object, others: Iterable[Object]) -> bool:
    """Whether one of the nodes is this very node."""
    return any(one.same_as(other) for other in others)


def mentions(expression: Object, variable: tirx.Var) -> bool:
    """Whether the variable occurs in the expression."""
    found: list[tirx.Var] = []
    structural_walk(
        expression, (tirx.Var, lambda one: found.append(one) if one.same_as(variable) else None)
    )
    return bool(found)


def loop_like(loop: tirx.For, body: tirx.Stmt, **changed: Any) -> tirx.For:
    """The loop around another body, with the fields named otherwise."""
    return tirx.For(body=body, **_fields(loop, _LOOP) | changed)


def block_like(block: SBlock, **changed: Any) -> SBlock:
    """The block with the fields named otherwise."""
    return SBlock(**_fields(block, _BLOCK) | changed)


_LOOP = ("loop_var", "min", "extent", "kind", "annotations")
_BLOCK = (
    *("iter_vars", "reads", "writes", "name_hint", "body", "init"),
    *("alloc_buffers", "match_buffers", "annotations"),
)


def _fields(node: tirx.Stmt, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(node, name) for name in names}
