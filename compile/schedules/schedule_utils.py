"""Steps that several schedules share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV
from tvm_ffi import structural_walk

from compile.operators.tiles import dividing_lanes
from compile.targets import Target

# Of an expression with others inlined. TVM's code generation writes each `Let` out wherever the
# next reads it.
MAX_BINDINGS = 8
# Of what is copied to several places.
MAX_NODES = 500


def blocks(schedule: Schedule) -> list[SBlockRV]:
    """All computing blocks of the function, producers first."""
    return list(schedule.get_child_blocks(schedule.get_sblock("root")))


def extent(schedule: Schedule, loop: LoopRV) -> int:
    """The length of a loop."""
    return int(schedule.get(loop).extent)


def written_shape(schedule: Schedule, block: SBlockRV) -> list[int]:
    """The shape of the tensor that a block writes."""
    return [int(edge) for edge in schedule.get(block).writes[0].source.ty.shape]


def written_dtype(schedule: Schedule, block: SBlockRV) -> str:
    """The type of the tensor that a block writes."""
    return str(schedule.get(block).writes[0].source.ty.dtype)


def is_reduction(schedule: Schedule, block: SBlockRV) -> bool:
    """Whether the block accumulates."""
    return any(var.iter_type == tirx.IterVar.CommReduce for var in schedule.get(block).iter_vars)


def spatial_and_reduced(schedule: Schedule, block: SBlockRV) -> tuple[list[LoopRV], list[LoopRV]]:
    """The loops of a freshly built block: over its output, and over what it accumulates."""
    loops = schedule.get_loops(block)
    kinds = [var.iter_type for var in schedule.get(block).iter_vars]
    loops = loops[len(loops) - len(kinds) :]
    pairs = list(zip(loops, kinds, strict=True))
    reduced = tirx.IterVar.CommReduce
    return [p for p, kind in pairs if kind != reduced], [p for p, kind in pairs if kind == reduced]


def take_annotations(schedule: Schedule, block: SBlockRV) -> dict[str, Any]:
    """Remove and return our annotations of a block, as plain numbers and strings."""
    found: dict[str, Any] = {}
    for key, value in dict(schedule.get(block).annotations).items():
        if str(key).startswith("compile."):
            found[str(key)] = str(value) if isinstance(value, str) else int(value)
            schedule.unannotate(block, str(key))
    return found


def descendants(schedule: Schedule, block: SBlockRV) -> list[SBlockRV]:
    """The blocks that read what a block writes, and those that read theirs."""
    found: dict[str, SBlockRV] = {}
    waiting = list(schedule.get_consumers(block))
    while waiting:
        one = waiting.pop()
        name = schedule.get(one).name_hint
        if name not in found:
            found[name] = one
            waiting += schedule.get_consumers(one)
    return list(found.values())


def unroll_all(schedule: Schedule, loops: Iterable[LoopRV]) -> None:
    """Unroll loops of known small extents."""
    for loop in loops:
        schedule.unroll(loop)


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is at most `limit`, at least 1."""
    return max(d for d in divisors(number) if d <= max(1, limit))


def divisors(number: int) -> list[int]:
    """All divisors of `number`, at least 1, the smallest first."""
    return [d for d in range(1, number + 1) if number % d == 0]


def vectorise_last(schedule: Schedule, block: SBlockRV, target: Target, *, below: int = 0) -> None:
    """Vectorise the innermost loop of an elementwise block where it divides; else leave it.

    What is left as a plain loop over contiguous data is vectorised by LLVM, with its remainder.
    Only loops from index `below` on may be touched.
    """
    loops = schedule.get_loops(block)[below:]
    while len(loops) > 1 and extent(schedule, loops[-1]) == 1:
        loops = [*loops[:-2], schedule.fuse(loops[-2], loops[-1])]
    if not loops:
        return
    target = target.of(written_dtype(schedule, block))
    lanes = dividing_lanes(extent(schedule, loops[-1]), target)
    if lanes:
        _, inner = schedule.split(loops[-1], [None, lanes])
        schedule.vectorize(inner)


def walks_along(schedule: Schedule, block: SBlockRV, variable: tirx.Var) -> bool:
    """Whether a load of the block has `variable` in its last index."""
    hits: list[tirx.Var] = []

    def on_load(load: TensorLoad) -> None:
        if len(load.indices):
            structural_walk(load.indices[-1], (tirx.Var, on_variable))

    def on_variable(one: tirx.Var) -> None:
        if one.same_as(variable):
            hits.append(one)

    structural_walk(schedule.get(block).body, (TensorLoad, on_load))
    return bool(hits)


def count_nodes(body: tirx.Stmt, kind: type, *, of: tirx.Var | None = None) -> int:
    """How many nodes of a kind there are, or of loads of one tensor."""
    found: list[object] = []

    def on_node(node: Any) -> None:
        if of is None or node.source.same_as(of):
            found.append(node)

    structural_walk(body, (kind, on_node))
    return len(found)
