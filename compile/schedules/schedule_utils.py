"""Steps that several schedules share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import ScheduleError
from tvm_ffi import structural_walk

from compile.schedules.tiles import MIN_LANES
from compile.targets import Target

FAMILY = "compile.family"
# The multiply-adds that the operator asks for, without those of padded channels and pixels.
MACS = "compile.macs"
# What TVM raises where a schedule does not fit a function, or its result cannot be lowered.
FAILURES = (ScheduleError, RuntimeError, ValueError, TypeError)


def blocks(schedule: Schedule) -> list[Any]:
    """All computing blocks of the function, producers first."""
    return list(schedule.get_child_blocks(schedule.get_sblock("root")))


def extent(schedule: Schedule, loop: Any) -> int:
    """The length of a loop."""
    return int(schedule.get(loop).extent)


def written_shape(schedule: Schedule, block: Any) -> list[int]:
    """The shape of the tensor that a block writes."""
    return [int(edge) for edge in schedule.get(block).writes[0].source.ty.shape]


def written_dtype(schedule: Schedule, block: Any) -> str:
    """The type of the tensor that a block writes."""
    return str(schedule.get(block).writes[0].source.ty.dtype)


def is_reduction(schedule: Schedule, block: Any) -> bool:
    """Whether the block accumulates."""
    return any(var.iter_type == tirx.IterVar.CommReduce for var in schedule.get(block).iter_vars)


def spatial_and_reduced(schedule: Schedule, block: Any) -> tuple[list[Any], list[Any]]:
    """The loops of a freshly built block: over its output, and over what it accumulates."""
    loops = schedule.get_loops(block)
    kinds = [var.iter_type for var in schedule.get(block).iter_vars]
    loops = loops[len(loops) - len(kinds) :]
    pairs = list(zip(loops, kinds, strict=True))
    reduced = tirx.IterVar.CommReduce
    return [p for p, kind in pairs if kind != reduced], [p for p, kind in pairs if kind == reduced]


def take_annotations(schedule: Schedule, block: Any) -> dict[str, Any]:
    """Remove and return our annotations of a block, as plain numbers and strings."""
    found: dict[str, Any] = {}
    for key, value in dict(schedule.get(block).annotations).items():
        if str(key).startswith("compile."):
            found[str(key)] = str(value) if isinstance(value, str) else int(value)
            schedule.unannotate(block, str(key))
    return found


def fold_epilogue(schedule: Schedule, block: Any) -> Any:
    """Inline what follows `block`, as far as it is of the same shape, into the last such block.

    `block` is the plain copy out of an accumulator that every contraction ends with. What is
    computed of other operands on the way, such as their dequantised values, is inlined too. Returns
    the block that now writes the result: the last of the function, or the last before the shape
    changes or several blocks read it.
    """
    chains = [_chain(schedule, block, end) for end in (block, *descendants(schedule, block))]
    chain = max(chains, key=len)
    *others, end = [schedule.get(one).name_hint for one in chain]
    if others:
        for name in [*_operands(schedule, chain), *others]:
            schedule.compute_inline(schedule.get_sblock(name))
    return schedule.get_sblock(end)


def _chain(schedule: Schedule, block: Any, end: Any) -> list[Any]:
    """The blocks from `block` to `end`, if all before the end can be inlined into it; else none."""

    def names(found: Iterable[Any]) -> set[str]:
        return {schedule.get(one).name_hint for one in found}

    between = names([block, *descendants(schedule, block)])
    between &= names([end, *_ancestors(schedule, end)])
    chain = [one for one in blocks(schedule) if names([one]) <= between]
    shape = written_shape(schedule, block)
    fits = all(written_shape(schedule, one) == shape for one in chain) and not any(
        is_reduction(schedule, one) for one in chain
    )
    closed = all(names(schedule.get_consumers(one)) <= between for one in chain[:-1])
    return chain if fits and closed else []


def _operands(schedule: Schedule, chain: Sequence[Any]) -> list[str]:
    """Names of the elementwise blocks that only the chain reads, producers first.

    They are computed of the function's own operands: what is made of a sum stays a block.
    """
    inside = {schedule.get(one).name_hint for one in chain}
    found: list[str] = []
    for block in reversed(blocks(schedule)):
        name = schedule.get(block).name_hint
        readers = {schedule.get(one).name_hint for one in schedule.get_consumers(block)}
        if name in inside or not readers or not readers <= inside:
            continue
        if not any(is_reduction(schedule, one) for one in (block, *_ancestors(schedule, block))):
            inside.add(name)
            found.insert(0, name)
    return found


def _ancestors(schedule: Schedule, block: Any) -> list[Any]:
    """The blocks that a block reads, and those that they read."""
    found: list[Any] = []
    waiting = list(schedule.get_producers(block))
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += schedule.get_producers(one)
    return found


def descendants(schedule: Schedule, block: Any) -> list[Any]:
    """The blocks that read what a block writes, and those that read theirs."""
    found: dict[str, Any] = {}
    waiting = list(schedule.get_consumers(block))
    while waiting:
        one = waiting.pop()
        name = schedule.get(one).name_hint
        if name not in found:
            found[name] = one
            waiting += schedule.get_consumers(one)
    return list(found.values())


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


def unroll_all(schedule: Schedule, loops: Iterable[Any]) -> None:
    """Unroll loops of known small extents."""
    for loop in loops:
        schedule.unroll(loop)


def largest_divisor(number: int, limit: int) -> int:
    """The largest divisor of `number` that is at most `limit`, at least 1."""
    return max(d for d in divisors(number) if d <= max(1, limit))


def divisors(number: int) -> list[int]:
    """All divisors of `number`, at least 1, the smallest first."""
    return [d for d in range(1, number + 1) if number % d == 0]


def dividing_lanes(length: int, target: Target) -> int:
    """The widest vector that divides `length`, zero where not even the narrowest does."""
    lanes = target.vector_lanes
    while lanes > MIN_LANES and length % lanes:
        lanes //= 2
    return 0 if length % lanes else lanes


def vectorise_last(schedule: Schedule, block: Any, target: Target, *, below: int = 0) -> None:
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


def walks_along(schedule: Schedule, block: Any, variable: Any) -> bool:
    """Whether a load of the block has `variable` in its last index."""
    hits: list[Any] = []

    def on_load(load: Any) -> None:
        if len(load.indices):
            structural_walk(load.indices[-1], (tirx.Var, on_variable))

    def on_variable(one: Any) -> None:
        if one.same_as(variable):
            hits.append(one)

    structural_walk(schedule.get(block).body, (TensorLoad, on_load))
    return bool(hits)
