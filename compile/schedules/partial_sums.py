"""Sum float16 in stretches, so that what is rounded at each step stays small.

A running float16 sum of K terms of random sign ends off by some sqrt(K/2) roundings. Summed in
stretches of S terms, whose sums are then added up, it is off by sqrt(S/2) and sqrt(K/S/2). The
worst of 4,000 products of 608 terms was off by 5.8e-3 of the largest result as one sum, by 2.3e-3
in stretches of 152, and by 1.7e-3 in stretches of 64, which cost a twentieth more cycles. A tile
has no registers for a second, wider accumulator: the sum of the stretches lies in the first cache,
and is read and written once a stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, prod

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from compile.operators.tiles import Tile
from compile.precision import FP16
from compile.schedules import schedule_utils

STRETCH = FP16.stretch
# A stretch may be so long, and a sum that is no longer is not broken: its error is near theirs.
LONGEST = STRETCH * 3 // 2


def stretch_of(sch: Schedule, block: SBlockRV, loop: LoopRV, multiple: int) -> int:
    """How many terms of the loop to add up at once, a multiple of `multiple`; zero for all."""
    length = schedule_utils.extent(sch, loop)
    if schedule_utils.written_dtype(sch, block) != "float16" or length <= LONGEST:
        return 0
    fitting = [n for n in range(multiple, length, multiple) if length % n == 0]
    fitting = [n for n in fitting if STRETCH // 2 <= n <= LONGEST]
    return min(fitting, key=lambda n: abs(log2(n / STRETCH)), default=0)


def breaks_window(sch: Schedule, block: SBlockRV, loops: Sequence[LoopRV]) -> bool:
    """Whether each row of a window, whose terms `loops` run over, has a sum of its own."""
    length = prod(schedule_utils.extent(sch, loop) for loop in loops)
    return schedule_utils.written_dtype(sch, block) == "float16" and length > LONGEST


def in_stretches(
    sch: Schedule, total: SBlockRV, far: LoopRV, tile: Tile
) -> tuple[SBlockRV, list[LoopRV]]:
    """Give each iteration of `far`, a loop over terms of `total`, a sum of its own.

    The innermost loops of `total` are pixels, vectors and lanes of the tile. Returns the block of
    the stretches' sums, and its loops over terms, pixels, vectors and lanes, outermost first.
    """
    partial = sch.rfactor(far, 0)
    far = sch.get_loops(total)[-4]
    sch.compute_at(partial, far, preserve_unit_loops=True)
    depth = len(sch.get_loops(total)) - 3
    _, terms = schedule_utils.spatial_and_reduced(sch, partial)
    own = sch.get_loops(partial)[depth:]
    *pixels, channels = own[: len(own) - len(terms)]
    p = sch.fuse(*pixels)
    o, lane = sch.split(channels, [tile.vectors, tile.lanes])
    sch.reorder(*terms, p, o, lane)
    term = sch.fuse(*terms)
    *_, p_out, o_out, lane_out = sch.get_loops(total)
    schedule_utils.unroll_all(sch, (p_out, o_out))
    sch.vectorize(lane_out)
    sch.decompose_reduction(total, far)
    return partial, [term, p, o, lane]
