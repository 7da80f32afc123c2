"""Take the first and last iterations of a loop apart, so that those between need no checks.

A window at the edge of an image reads beyond it. Asked at every read, that costs more than the
arithmetic; a bordered copy of the image costs its way through memory. Where a loop over tiles
is marked, its first and last tiles become loops of their own: what they ask is known when the code
is made, and TVM drops the reads, or the question. What is left, such as whether a row of the
window lies within the image, is asked once for the loops inside, and for what is loaded for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import tvm
from tvm import s_tir, tirx
from tvm.ir import Call
from tvm.ir.expr import TensorLoad
from tvm.s_tir import SBlock, SBlockRealize
from tvm_ffi import structural_map, structural_walk

from compile.operators.loop_nests import (
    block_like,
    is_among,
    loop_like,
    map_loop_nests,
    mentions,
)
from compile.schedules.rewrites.edge_marks import FIRST, LANES, LAST


@tvm.transform.module_pass(opt_level=0, name="PeelEdges")
def peel_edges(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The scheduled module with its marked loops peeled, and checks as far out as they can be."""
    return map_loop_nests(mod, lambda one: _Peeler(one).result() if _is_marked(one.body) else one)


def _is_marked(statement: tirx.Stmt) -> bool:
    found: list[bool] = []
    structural_walk(statement, (tirx.For, lambda loop: found.append(FIRST in loop.annotations)))
    return any(found)


class _Peeler:
    def __init__(self, function: tirx.PrimFunc) -> None:
        self.function = function
        self.moved: list[tirx.Var] = []

    def result(self) -> tirx.PrimFunc:
        root = self.function.body
        body = _checked(*self.statement(root.block.body))
        kept = [one for one in root.block.alloc_buffers if not is_among(one, self.moved)]
        block = block_like(root.block, body=body, alloc_buffers=kept)
        return self.function.with_body(SBlockRealize(root.iter_values, root.predicate, block))

    def statement(self, node: tirx.Stmt) -> tuple[tirx.Stmt, list[tirx.Expr]]:
        """A statement, and the checks that are to be made around it."""
        if isinstance(node, tirx.SeqStmt):
            *before, (last, checks) = [self.statement(one) for one in node.seq]
            parts = [_checked(*one) for one in before]
            if self._only_for_last(node):
                return tirx.SeqStmt([*parts, last]), checks
            return tirx.SeqStmt([*parts, _checked(last, checks)]), []
        if isinstance(node, SBlockRealize):
            return _without_checks(node)
        if not isinstance(node, tirx.For):
            return node, []
        body, checks = self.statement(node.body)
        inner = [check for check in checks if mentions(check, node.loop_var)]
        outer = [check for check in checks if not is_among(check, inner)]
        body = _checked(body, inner)
        notes = dict(node.annotations)
        first, last, lanes = (int(notes.pop(key, 0)) for key in (FIRST, LAST, LANES))
        if FIRST not in node.annotations:
            return _loop(node, node.min, node.extent, body, notes), outer
        body = self._with_own_buffers(body)
        count = int(node.extent)
        cuts = sorted({0, min(first, count), max(count - last, min(first, count)), count})
        parts = []
        for low, high in pairwise(cuts):
            part = _cut_lanes(body, lanes) if lanes and high == count else body
            part = _loop(node, low, high - low, part, notes)
            parts.append(s_tir.renew_defs(tirx.PrimFunc([], part)).body)
        return tirx.SeqStmt(parts) if len(parts) > 1 else parts[0], outer

    def _only_for_last(self, sequence: tirx.SeqStmt) -> bool:
        """Whether what comes before the last statement writes nothing that is read after it."""
        *before, _ = sequence.seq
        written = [region.source for one in before for region in _regions(one, "writes")]
        inside, everywhere = _used(sequence), _used(self.function.body)
        return all(
            is_among(buffer, self.function.body.block.alloc_buffers)
            and _times(buffer, inside) == _times(buffer, everywhere)
            for buffer in written
        )

    def _with_own_buffers(self, body: tirx.Stmt) -> tirx.Stmt:
        """The body as a block that allocates what nothing outside of it uses."""
        inside, everywhere = _used(body), _used(self.function.body)
        own = [
            buffer
            for buffer in self.function.body.block.alloc_buffers
            if not is_among(buffer, self.moved)
            and 0 < _times(buffer, inside) == _times(buffer, everywhere)
        ]
        self.moved += own
        if not own:
            return body
        block = SBlock([], [], [], "tile", body, alloc_buffers=own)
        return SBlockRealize([], True, block)


def _without_checks(realize: SBlockRealize) -> tuple[tirx.Stmt, list[tirx.Expr]]:
    """A block `sum += x * y if inside else 0` as its sum alone, and what it asks."""
    block = realize.block
    store = block.body
    value = getattr(store, "value", None)
    if not (isinstance(value, tirx.Add) and isinstance(value.a, TensorLoad)):
        return realize, []
    found: list[tirx.Expr] = []

    def on_call(call: Call) -> tirx.Expr:
        if getattr(call.op, "name", "") != "prim.if_then_else":
            return call
        found.append(call.args[0])
        return call.args[1]

    term = structural_map(value.b, (Call, on_call))
    if len(found) != 1:
        return realize, []
    places = list(zip(block.iter_vars, realize.iter_values, strict=True))

    def placed(variable: tirx.Var) -> tirx.Expr:
        return next((to for one, to in places if one.var.same_as(variable)), variable)

    checks = [structural_map(check, (tirx.Var, placed)) for check in _conjuncts(found[0])]
    body = tirx.BufferStore(store.buffer, value.a + term, store.indices)
    block = block_like(block, body=body)
    return SBlockRealize(realize.iter_values, realize.predicate, block), checks


def _conjuncts(condition: tirx.Expr) -> list[tirx.Expr]:
    if isinstance(condition, tirx.And):
        return _conjuncts(condition.a) + _conjuncts(condition.b)
    return [condition]


def _checked(body: tirx.Stmt, checks: list[tirx.Expr]) -> tirx.Stmt:
    return tirx.IfThenElse(tirx.all(*checks), body, None) if checks else body


def _cut_lanes(body: tirx.Stmt, lanes: int) -> tirx.Stmt:
    def on_loop(loop: tirx.For) -> tirx.Stmt:
        if loop.kind != tirx.ForKind.VECTORIZED:
            return loop
        return _loop(loop, 0, min(lanes, int(loop.extent)), loop.body, loop.annotations)

    return structural_map(body, (tirx.For, on_loop))


def _used(statement: tirx.Stmt) -> list[tirx.Var]:
    """The buffers of all blocks, once for each use."""
    regions = [*_regions(statement, "reads"), *_regions(statement, "writes")]
    return [region.source for region in regions]


def _regions(statement: tirx.Stmt, which: str) -> list[Any]:
    """What all blocks read, or write."""
    found: list[Any] = []
    structural_walk(statement, (SBlock, lambda block: found.extend(getattr(block, which))))
    return found


def _times(buffer: tirx.Var, used: list[tirx.Var]) -> int:
    return sum(one.same_as(buffer) for one in used)


def _loop(
    like: tirx.For,
    low: tirx.Expr | int,
    extent: tirx.Expr | int,
    body: tirx.Stmt,
    notes: Mapping[str, Any],
) -> tirx.For:
    kind = like.loop_var.ty.dtype
    low, extent = (tirx.const(int(edge), kind) for edge in (low, extent))
    return loop_like(like, body, min=low, extent=extent, annotations=notes)
