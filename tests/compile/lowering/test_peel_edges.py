"""Loops over tiles in three parts: the same iterations, and no checks in those between."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tvm import IRModule, s_tir, te, tirx
from tvm.s_tir import Schedule
from tvm_ffi import structural_walk

from compile.lowering import peel_edges
from compile.schedules.rewrites import edge_marks


def blurred(length: int, tile: int) -> tuple[Schedule, Any]:
    """A schedule of sums of three neighbours, in tiles, and its loop over tiles."""
    x = te.placeholder((length,), name="x")
    k = te.reduce_axis((0, 3), "k")

    def total(i: Any) -> Any:
        at = i + k - 1
        inside = te.all(at >= 0, at < length)
        return te.sum(te.if_then_else(inside, x[at], tirx.const(0, "float32")), axis=k)

    sch = Schedule(IRModule({"main": te.create_prim_func([x, te.compute((length,), total, "y")])}))
    block = sch.get_sblock("y")
    i, k = sch.get_loops(block)
    tiles, pixel = sch.split(i, [None, tile])
    sch.reorder(tiles, k, pixel)
    sch.decompose_reduction(block, k)
    return sch, tiles


def parts(function: Any) -> list[Any]:
    body = function.body.block.body
    return list(body.seq) if isinstance(body, tirx.SeqStmt) else [body]


@given(st.integers(1, 9), st.integers(0, 4), st.integers(0, 4))
def test_parts_are_all_iterations_in_order(tiles: int, first: int, last: int) -> None:
    sch, loop = blurred(tiles * 4, 4)
    edge_marks.mark(sch, loop, first, last)
    found = parts(peel_edges.peel_edges(sch.mod)["main"])
    ranges = [range(int(one.min), int(one.min) + int(one.extent)) for one in found]
    assert [i for part in ranges for i in part] == list(range(tiles))
    assert not any(key.startswith("compile.") for one in found for key in one.annotations)


def test_only_the_edges_ask() -> None:
    sch, loop = blurred(32, 4)
    edge_marks.mark(sch, loop, 1, 1)
    mod = peel_edges.peel_edges(sch.mod)
    lowered = s_tir.transform.StmtSimplify()(mod)
    asking = []
    for part in parts(lowered["main"]):
        found: list[Any] = []
        structural_walk(part, (tirx.IfThenElse, found.append))
        asking.append(bool(found))
    assert asking == [True, False, True]
