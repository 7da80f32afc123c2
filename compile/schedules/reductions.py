"""Functions that accumulate and have no family of their own: pooling, means, softmax, norms.

Where the result's last axis lies along memory, it is vectorised and a few vectors accumulate at
once. Where the accumulation itself runs along memory, it is done in partial sums, one a lane.
"""

from __future__ import annotations

from math import prod

from tvm import tirx
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV, ScheduleError

from compile.operators.tiles import dividing_lanes
from compile.schedules import schedule_utils
from compile.schedules.elementwise import inline_producers
from compile.targets import Target

MAX_VECTORS = 8


def schedule(sch: Schedule, target: Target) -> None:
    """Schedule every block of the function by what it does."""
    inline_producers(sch, schedule_utils.blocks(sch))
    for block in schedule_utils.blocks(sch):
        if not sch.get_loops(block):  # beside one without a loop TVM divides no accumulation
            sch.add_unit_loop(block)
    for block in schedule_utils.blocks(sch):
        if not schedule_utils.is_reduction(sch, block):
            schedule_utils.vectorise_last(sch, block, target)
        elif _accumulates_along_memory(sch, block):
            _by_partial_sums(sch, block, target)
        else:
            for one in _a_share_a_thread(sch, block, target.threads):
                _by_columns(sch, one, target)


def _accumulates_along_memory(sch: Schedule, block: SBlockRV) -> bool:
    return any(
        schedule_utils.walks_along(sch, block, var.var)
        for var in sch.get(block).iter_vars
        if var.iter_type == tirx.IterVar.CommReduce and int(var.dom.extent) > 1
    )


def _a_share_a_thread(sch: Schedule, block: SBlockRV, threads: int) -> list[SBlockRV]:
    """An accumulation as partial ones, one a thread, and that of their results.

    Each thread then reads the rows that it wrote a moment ago. The block alone where its rows do
    not divide evenly, or where there are results to divide instead.
    """
    spatial, reduced = schedule_utils.spatial_and_reduced(sch, block)
    results = prod(schedule_utils.extent(sch, loop) for loop in spatial[:-1])
    rows = next((loop for loop in reduced if schedule_utils.extent(sch, loop) > 1), None)
    if threads == 1 or results > 1 or rows is None or schedule_utils.extent(sch, rows) % threads:
        return [block]
    share, _ = sch.split(rows, [threads, None])
    sch.reorder(share, *spatial)
    try:
        return [sch.rfactor(share, 0), block]
    except ScheduleError:  # accumulations that TVM does not know to be associative
        return [block]


def _by_columns(sch: Schedule, block: SBlockRV, target: Target) -> None:
    spatial, reduced = schedule_utils.spatial_and_reduced(sch, block)
    if not spatial:
        sch.decompose_reduction(block, reduced[0])
        return
    *outer, last = spatial
    length = schedule_utils.extent(sch, last)
    lanes = dividing_lanes(length, target.of(schedule_utils.written_dtype(sch, block)))
    if not lanes:
        # LLVM vectorises the plain innermost loop and its remainder.
        sch.reorder(*outer, *reduced, last)
    else:
        vectors = schedule_utils.largest_divisor(length // lanes, MAX_VECTORS)
        far, near, lane = sch.split(last, [None, vectors, lanes])
        sch.reorder(*outer, far, *reduced, near, lane)
        sch.unroll(near)
        sch.vectorize(lane)
    sch.decompose_reduction(block, reduced[0])


def _by_partial_sums(sch: Schedule, block: SBlockRV, target: Target) -> None:
    spatial, reduced = schedule_utils.spatial_and_reduced(sch, block)
    dtype = schedule_utils.written_dtype(sch, block)
    lanes = dividing_lanes(schedule_utils.extent(sch, reduced[-1]), target.of(dtype))
    if not lanes or len(sch.get(block).writes) > 1:
        _interleaved(sch, block, spatial, reduced)
        return
    _, lane = sch.split(reduced[-1], [None, lanes])
    try:
        partial = sch.rfactor(lane, len(spatial))
    except ScheduleError:  # accumulations that TVM does not know to be associative
        _interleaved(sch, block, *schedule_utils.spatial_and_reduced(sch, block))
        return
    loops = sch.get_loops(partial)
    sch.vectorize(loops[-1])
    sch.decompose_reduction(partial, loops[len(spatial)])
    sch.decompose_reduction(block, sch.get_loops(block)[-1])


def _interleaved(
    sch: Schedule, block: SBlockRV, spatial: list[LoopRV], reduced: list[LoopRV]
) -> None:
    """Several accumulations side by side hide the latency of each."""
    if spatial:
        together = schedule_utils.largest_divisor(
            schedule_utils.extent(sch, spatial[-1]), MAX_VECTORS
        )
        far, near = sch.split(spatial[-1], [None, together])
        sch.reorder(*spatial[:-1], far, *reduced, near)
        sch.unroll(near)
    if len(sch.get(block).writes) == 1:
        sch.decompose_reduction(block, reduced[0])
