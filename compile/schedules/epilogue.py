"""Inline what follows a sum into the block that writes its result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tvm import tirx
from tvm.ir import Expr
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV

from compile.schedules.schedule_utils import (
    MAX_BINDINGS,
    MAX_NODES,
    blocks,
    count_nodes,
    descendants,
    is_reduction,
    written_shape,
)


def fold_epilogue(schedule: Schedule, block: SBlockRV) -> SBlockRV:
    """Inline what follows `block`, as far as it is of the same shape, into the last such block.

    `block` is the plain copy out of an accumulator that every contraction ends with. What is
    computed of other operands on the way, such as their dequantised values, is inlined too. Returns
    the block that now writes the result: the last of the function, or the last before the shape
    changes, several blocks read it or the expression would be too long.
    """
    chains = [_chain(schedule, block, end) for end in (block, *descendants(schedule, block))]
    chain = max(chains, key=len)
    *others, end = [schedule.get(one).name_hint for one in chain]
    if others:
        for name in [*_operands(schedule, chain), *others]:
            schedule.compute_inline(schedule.get_sblock(name))
    return schedule.get_sblock(end)


def _chain(schedule: Schedule, block: SBlockRV, end: SBlockRV) -> list[SBlockRV]:
    """The blocks from `block` to `end`, if all before the end can be inlined into it; else none."""

    def names(found: Iterable[SBlockRV]) -> set[str]:
        return {schedule.get(one).name_hint for one in found}

    between = names([block, *descendants(schedule, block)])
    between &= names([end, *_ancestors(schedule, end)])
    chain = [one for one in blocks(schedule) if names([one]) <= between]
    shape = written_shape(schedule, block)
    fits = all(written_shape(schedule, one) == shape for one in chain) and not any(
        is_reduction(schedule, one) for one in chain
    )
    closed = all(names(schedule.get_consumers(one)) <= between for one in chain[:-1])
    return chain if fits and closed and _is_short(schedule, chain) else []


def _is_short(schedule: Schedule, chain: Sequence[SBlockRV]) -> bool:
    """Whether the last block stays short enough with all before it written out where it is read.

    An operand that is read several times is written out as often, and so is what it reads.
    """
    tensors: list[tuple[tirx.Var, int, int]] = []
    once = nodes = bindings = 0
    for block in map(schedule.get, chain):
        nodes, bindings = count_nodes(block.body, Expr), count_nodes(block.body, tirx.Let)
        once += nodes
        for tensor, inlined_nodes, inlined_bindings in tensors:
            copies = count_nodes(block.body, TensorLoad, of=tensor)
            nodes += copies * inlined_nodes
            bindings += copies * inlined_bindings
        tensors.append((block.writes[0].source, nodes, bindings))
    return len(chain) == 1 or (nodes - once <= MAX_NODES and bindings <= MAX_BINDINGS)


def _operands(schedule: Schedule, chain: Sequence[SBlockRV]) -> list[str]:
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


def _ancestors(schedule: Schedule, block: SBlockRV) -> list[SBlockRV]:
    """The blocks that a block reads, and those that they read."""
    found: list[SBlockRV] = []
    waiting = list(schedule.get_producers(block))
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += schedule.get_producers(one)
    return found
