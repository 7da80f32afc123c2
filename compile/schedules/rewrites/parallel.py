"""Which loops of a scheduled function run on several cores at once.

TVM's runtime cuts a parallel loop into one share of iterations a thread, all equally long: right
for cores of one speed, such as the fastest cluster of a phone, and wrong across clusters. So
a loop is cut into as many shares as there are threads, where it divides evenly, and its shares lie
outside all others (a launch costs microseconds). Rows are cut rather than channels: most kernels
then read what their own core has made, from its own cache, which gains more than it costs to read
all weights on every core. Each thread writes memory of its own. On fewer threads than the code was
made for the shares run in turns: the results are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from tvm import tirx
from tvm.s_tir import SBlockRealize
from tvm_ffi import structural_map, structural_mutate

from compile.operators.loop_nests import is_among, loop_like, mentions
from compile.operators.tiles import BALANCED, balance
from compile.schedules.rewrites.edge_marks import has_edges

# To launch a loop, to wait for its last thread and to allocate each iteration's buffers takes 2 to
# 10 us. What one core does in about that time stays on it: 2^17 multiply-adds are 6 us of a
# Cortex-A76 and 2 us of AVX-512. It is little, since what is divided stays in its core's cache.
GRAIN_MACS = 1 << 17
# Where memory is the limit, moving a byte takes as long as so many multiply-adds.
MACS_A_BYTE = 2
# What a thread writes in one piece is at least two cache lines: it shares only the first and last.
PIECE_BYTES = 128


class _NotLoops(Exception):
    """A function is more than loops of known length around blocks."""


@dataclass(frozen=True)
class _Use:
    """A block as it lies under loops: how often it runs, and whether on several threads."""

    realize: SBlockRealize
    times: int
    parallel: bool

    @property
    def accumulates(self) -> bool:
        """Whether the block sums up over some loops."""
        return bool(self.bound(tirx.IterVar.CommReduce))

    @property
    def written(self) -> list[tirx.Var]:
        """The buffers that the block writes."""
        return [region.source for region in self.realize.block.writes]

    @property
    def buffers(self) -> list[tirx.Var]:
        """The buffers that the block reads or writes."""
        return [region.source for region in self.realize.block.reads] + self.written

    def bound(self, kind: int) -> list[tirx.Expr]:
        """The values of the block's variables of one kind."""
        pairs = zip(self.realize.block.iter_vars, self.realize.iter_values, strict=True)
        return [value for variable, value in pairs if variable.iter_type == kind]


def parallelise(function: tirx.PrimFunc, threads: int) -> tuple[tirx.PrimFunc, float]:
    """The scheduled function with parallel loops where they pay, and the share of it in them.

    The share is of the steps of its accumulations or, where it has none, of all elements. Every
    iteration of a parallel loop writes apart from the others, or to a buffer of its own.
    """
    if not isinstance(function.body, SBlockRealize):
        return function, 0.0
    root = function.body.block
    try:
        everything = list(_uses(root.body))
    except _NotLoops:
        return function, 0.0

    def on_loop(loop: tirx.For, mutator: Any) -> tirx.Stmt:
        inside = list(_uses(loop))
        within = [use.realize for use in inside]
        outside = [
            buffer
            for use in everything
            if not is_among(use.realize, within)
            for buffer in use.buffers
        ]
        own = [one for one in root.alloc_buffers if not is_among(one, outside)]
        parallel = _in_parallel(loop, inside, own, threads)
        if parallel is not None:
            return parallel
        # A launch in every turn of a loop costs its time again, and LLVM refuses the debug
        # information that TVM gives such a loop.
        return mutator.default_mutate(loop) if int(loop.extent) == 1 else loop

    def on_block(realize: SBlockRealize, mutator: Any) -> SBlockRealize:
        """What a block does inside is not known: only loops around blocks are cut."""
        return mutator.default_mutate(realize) if realize.same_as(function.body) else realize

    callbacks = [(tirx.For, on_loop), (SBlockRealize, on_block)]
    function = function.with_body(structural_mutate(function.body, callbacks))
    uses = list(_uses(function.body.block.body))
    uses = [use for use in uses if use.accumulates] or uses
    steps = sum(use.times for use in uses)
    return function, sum(use.times for use in uses if use.parallel) / max(steps, 1)


def _uses(statement: tirx.Stmt, times: int = 1, parallel: bool = False) -> Iterator[_Use]:
    """The blocks of a statement in order; raises _NotLoops, also where one writes nothing known."""
    if isinstance(statement, tirx.For) and isinstance(statement.extent, tirx.IntImm):
        parallel = parallel or statement.kind == tirx.ForKind.PARALLEL
        yield from _uses(statement.body, times * int(statement.extent), parallel)
    elif isinstance(statement, tirx.SeqStmt):
        for one in statement.seq:
            yield from _uses(one, times, parallel)
    elif isinstance(statement, SBlockRealize) and statement.block.writes:
        yield _Use(statement, times, parallel)
    elif not isinstance(statement, tirx.Evaluate):
        raise _NotLoops


def _in_parallel(
    loop: tirx.For, inside: Sequence[_Use], own: Sequence[tirx.Var], threads: int
) -> tirx.For | None:
    """The loop in parallel, or one right inside it; None where that does not pay.

    `inside` are the blocks under it, `own` the buffers that nothing else uses.
    """
    if _work(inside) < GRAIN_MACS:
        return None
    nest: list[tirx.For] = []
    body: tirx.Stmt = loop
    while isinstance(body, tirx.For) and _divides(body, inside, own):
        nest.append(body)
        body = body.body
    shared = [use for use in inside if not all(is_among(one, own) for one in use.written)]
    wide = [one for one in nest if not any(_cuts_short(one, use, threads) for use in shared)]
    even = [one for one in wide if int(one.extent) % threads == 0]
    if even:
        rows = [one for one in even if not any(_divides_channels(one, use) for use in shared)]
        return _cut(nest, (rows or even)[0], body, threads)
    nest = [*wide, *(one for one in nest if not is_among(one, wide))] if wide else nest
    count = _loops_to_fuse([int(one.extent) for one in nest], threads)
    if prod(int(one.extent) for one in nest[:count]) < threads:
        return None
    for one in reversed(nest[count:]):
        body = loop_like(one, body)
    return _fused(nest[:count], body, threads)


def _cut(nest: Sequence[tirx.For], chosen: tirx.For, body: tirx.Stmt, threads: int) -> tirx.For:
    """The loops with one of them cut into a share a thread, and the shares around all."""
    kind = str(chosen.loop_var.ty)
    share, place = tirx.Var("share", kind), tirx.Var("place", kind)
    length = int(chosen.extent) // threads
    value = share * length + place
    old = chosen.loop_var
    body = structural_map(body, (tirx.Var, lambda one: value if one.same_as(old) else one))
    zero = tirx.const(0, kind)
    for one in reversed(nest):
        if one.same_as(chosen):
            extent = tirx.const(length, kind)
            body = loop_like(one, body, loop_var=place, min=zero, extent=extent)
        else:
            body = loop_like(one, body)
    return tirx.For(share, zero, tirx.const(threads, kind), tirx.ForKind.PARALLEL, body)


def _work(uses: Sequence[_Use]) -> int:
    """What blocks take, in multiply-adds: arithmetic or memory, whichever is more."""
    moved = 0
    seen: list[tirx.Var] = []
    for use in uses:
        for buffer in use.buffers:
            if not is_among(buffer, seen):
                seen.append(buffer)
                length = prod(int(edge) for edge in buffer.ty.shape)
                moved += min(length, use.times) * np.dtype(str(buffer.ty.dtype)).itemsize
    return max(sum(use.times for use in uses if use.accumulates), MACS_A_BYTE * moved)


def _divides(loop: tirx.For, inside: Sequence[_Use], own: Sequence[tirx.Var]) -> bool:
    """Whether iterations of the loop can run at the same time.

    They can where no iteration is unlike the others, where no accumulation runs along it, and where
    every block writes another place in each iteration, or a buffer of this nest's own: TVM
    allocates that inside the innermost loop around all of its uses, and these lie further in.
    """
    if loop.kind != tirx.ForKind.SERIAL or has_edges(loop):
        return False
    if int(loop.extent) == 1:
        return True
    for use in inside:
        if any(mentions(value, loop.loop_var) for value in use.bound(tirx.IterVar.CommReduce)):
            return False
        follows = any(mentions(v, loop.loop_var) for v in use.bound(tirx.IterVar.DataPar))
        if not follows and not all(is_among(buffer, own) for buffer in use.written):
            return False
    return True


def _divides_channels(loop: tirx.For, use: _Use) -> bool:
    """Whether the loop divides the last axis that a block writes."""
    spatial = use.bound(tirx.IterVar.DataPar)
    return bool(spatial) and mentions(spatial[-1], loop.loop_var)


def _cuts_short(loop: tirx.For, use: _Use, threads: int) -> bool:
    """Whether the loop divides the last axis that a block writes into pieces that are too short.

    That is, shorter than two cache lines.
    """
    if not _divides_channels(loop, use):
        return False
    buffer = use.written[0]
    row = int(buffer.ty.shape[-1]) * np.dtype(str(buffer.ty.dtype)).itemsize
    return row // min(int(loop.extent), threads) < PIECE_BYTES


def _loops_to_fuse(lengths: Sequence[int], threads: int) -> int:
    """How many of the outermost loops, of these lengths, divide evenly when run as one."""
    shares = [balance(prod(lengths[: count + 1]), threads) for count in range(len(lengths))]
    good = (count for count, share in enumerate(shares) if share >= BALANCED)
    best = max(shares, default=0.0)
    return next(good, shares.index(best) if shares else -1) + 1


def _fused(nest: Sequence[tirx.For], body: tirx.Stmt, threads: int) -> tirx.For:
    """The loops as a parallel one of few iterations that divide evenly, and the rest inside it."""
    lengths = [int(one.extent) for one in nest]
    whole = prod(lengths)
    even = [n for n in range(1, whole + 1) if whole % n == 0 and balance(n, threads) >= BALANCED]
    count = min(even, default=whole)
    kind = str(nest[0].loop_var.ty)
    share, place = tirx.Var("share", kind), tirx.Var("place", kind)
    rest = share * (whole // count) + place
    values = []
    for one, length in zip(reversed(nest), reversed(lengths), strict=True):
        values.append((one.loop_var, tirx.floormod(rest, length)))
        rest = tirx.floordiv(rest, length)

    def replaced(variable: tirx.Var) -> tirx.Expr:
        return next((value for old, value in values if old.same_as(variable)), variable)

    body = structural_map(body, (tirx.Var, replaced))
    zero, serial = tirx.const(0, kind), tirx.ForKind.SERIAL
    inner = tirx.For(place, zero, tirx.const(whole // count, kind), serial, body)
    return tirx.For(share, zero, tirx.const(count, kind), tirx.ForKind.PARALLEL, inner)
