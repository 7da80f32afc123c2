"""Schedule depthwise convolutions.

Channels are the vector; a few pixels of a row accumulate in registers over the unrolled kernel.
"""

from __future__ import annotations

from typing import Any

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV

from compile.operators.annotations import FIRST_EDGE, IMAGE_BYTES, LAST_EDGE, REST
from compile.operators.tiles import LANES, PIXELS
from compile.schedules import schedule_utils
from compile.schedules.epilogue import fold_epilogue
from compile.schedules.rewrites import edge_marks
from compile.targets import Target

# How many vectors and rows are taken in turn before the next pixels of a row.
MAX_VECTORS = 6
MAX_ROWS = 7
# A larger kernel is looped over its rows rather than unrolled whole.
MAX_UNROLLED_KERNEL = 25


def schedule(sch: Schedule, target: Target) -> None:
    """Tiles of a few pixels and a vector; a few vectors and rows share what the first cache holds.

    An image beyond the second cache is read once, with all of its channels.
    """
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    end = fold_epilogue(sch, sch.get_sblock("unpack"))
    streams = notes[IMAGE_BYTES] > target.l2_bytes // 2
    hold(sch, accumulate, end, notes, most_vectors=None if streams else MAX_VECTORS)


def hold(
    sch: Schedule,
    accumulate: SBlockRV,
    end: SBlockRV,
    notes: dict[str, Any],
    most_vectors: int | None,
) -> None:
    """Order the loops of the sums and write them through `end`, which may lie under outer loops.

    `most_vectors` are taken in turn before the next pixels of a row: all where None.
    """
    lanes, rest = notes[LANES], notes[REST]
    (n, h, w, c), (ky, kx) = schedule_utils.spatial_and_reduced(sch, accumulate)
    outside = len(sch.get_loops(accumulate)) - 6
    columns, pixels = sch.split(w, [None, notes[PIXELS]])
    vectors, lane = sch.split(c, [None, lanes])
    count, height = schedule_utils.extent(sch, vectors), schedule_utils.extent(sch, h)
    all_at_once = most_vectors is None or rest
    near = count if all_at_once else schedule_utils.largest_divisor(count, most_vectors or 1)
    far, near = sch.split(vectors, [None, near])
    bands, rows = sch.split(h, [None, schedule_utils.largest_divisor(height, MAX_ROWS)])
    kernel = schedule_utils.extent(sch, ky) * schedule_utils.extent(sch, kx)
    around = [n, far, bands, columns, rows, near]
    sch.reorder(*around, ky, kx, pixels, lane)
    sch.reverse_compute_at(end, near, preserve_unit_loops=True)
    sch.vectorize(lane)
    schedule_utils.unroll_all(
        sch, [ky, kx, pixels] if kernel <= MAX_UNROLLED_KERNEL else [kx, pixels]
    )
    sch.decompose_reduction(accumulate, ky)
    *written, channels = sch.get_loops(end)[outside + len(around) :]
    sch.vectorize(channels)
    schedule_utils.unroll_all(sch, written)
    edge_marks.mark(sch, columns, notes[FIRST_EDGE], notes[LAST_EDGE])
    if rest:
        edge_marks.mark(sch, near, 0, 1, rest)
