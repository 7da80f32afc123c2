"""Schedule convolutions with a window: dense k x k and grouped.

Each row is a contraction over (kernel row, kernel column, channel), tiled in registers. A block of
rows of the input is copied with its borders into a buffer that fits the first cache; groups that
are multiplied by lane read the input itself, and the tiles at the ends of a row are peeled.
"""

from __future__ import annotations

from tvm.s_tir import Schedule

from compile.choices import around_default
from compile.operators.annotations import (
    CHUNK,
    FIRST_EDGE,
    GROUP_BLOCKS,
    HALO,
    INPUT_BYTES_A_ROW,
    LAST_EDGE,
    WORKLOAD,
)
from compile.operators.chunks import lanes_read, most_tiles
from compile.operators.tiles import Tile
from compile.schedules import partial_sums, schedule_utils
from compile.schedules.elementwise import schedule_after
from compile.schedules.epilogue import fold_epilogue
from compile.schedules.microkernel import Nest, hold, plan_prefetch
from compile.schedules.rewrites import edge_marks
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """Rows in blocks that stay in the first cache, each row in register tiles."""
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    tile, choose = Tile.of(notes), target.choices.of(notes.get(WORKLOAD, ""))
    target = target.of(schedule_utils.written_dtype(sch, accumulate))
    end = fold_epilogue(sch, sch.get_sblock("unpack"))
    (n, h, w, o), (ky, kx, k) = schedule_utils.spatial_and_reduced(sch, accumulate)
    by_lane = lanes_read(notes[CHUNK], target)
    apart = ky if partial_sums.breaks_window(sch, accumulate, [ky, kx, k]) else None
    in_chunks = notes[CHUNK] < schedule_utils.extent(sch, k)
    *chunks, step = sch.split(k, [None, notes[CHUNK]]) if in_chunks else [k]
    height = schedule_utils.extent(sch, h)
    columns, pixels = sch.split(w, [None, tile.pixels])
    if in_chunks:
        fitting = most_tiles(tile, target) // schedule_utils.extent(sch, columns)
        if notes[HALO] > fitting:  # most rows of a band would be copied for their neighbours' sake
            fitting = height
    else:
        fitting = target.l1_bytes * 2 // 3 // notes[INPUT_BYTES_A_ROW]
    if height % target.threads == 0:
        fitting = min(fitting, height // target.threads)
    heights = around_default(
        schedule_utils.largest_divisor(height, fitting), schedule_utils.divisors(height)
    )
    bands, rows = sch.split(h, [None, choose("rows", heights)])
    o, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    group, block = sch.split(o, [None, notes[GROUP_BLOCKS]])
    orders = {"weights": [n, group, bands, block], "rows": [n, bands, group, block]}
    several = schedule_utils.extent(sch, group) > 1 and schedule_utils.extent(sch, bands) > 1
    around = orders[choose("outermost", list(orders)[: 2 if several else 1])]
    tiles = [rows, columns]
    if not in_chunks:
        around, tiles = [*around, *tiles], []
    nest = Nest(around, [ky, *chunks], tiles, step, [kx], pixels, vectors, lane)
    names = {str(sch.get(one).name_hint) for one in schedule_utils.blocks(sch)}
    read = sch.get_sblock("steps") if "steps" in names else None
    step = hold(
        sch, accumulate, end, nest, tile, target, choose, by_lane=by_lane, rows=read, apart=apart
    )
    direct = FIRST_EDGE in notes
    if direct:
        edge_marks.mark(sch, columns, notes[FIRST_EDGE], notes[LAST_EDGE])
    if "border" in names and direct:
        sch.compute_inline(sch.get_sblock("border"))
    elif "border" in names:
        border = sch.get_sblock("border")
        sch.compute_at(border, bands, preserve_unit_loops=True)
        schedule_utils.vectorise_last(sch, border, target, below=3)
    schedule_after(sch, end, target)
    if apart is None:
        blocks = {group: notes[GROUP_BLOCKS], block: 1}
        plan_prefetch(sch, nest, blocks, step, target, choose)
