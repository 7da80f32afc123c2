"""Schedule convolutions by minimal filtering (Winograd).

Each band of tiles is transformed, multiplied and transformed back before the next.
"""

from __future__ import annotations

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from compile.operators.annotations import TILE_WIDTH
from compile.operators.chunks import chunk_steps, lanes_read, most_tiles
from compile.operators.tiles import Tile, dividing_lanes, tiles_of_rows
from compile.schedules import schedule_utils
from compile.schedules.epilogue import fold_epilogue
from compile.schedules.microkernel import Nest, hold, plan_prefetch
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """Band by band: transform the inputs, multiply place by place, transform back."""
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    tile = Tile.of(notes)
    target = target.of(schedule_utils.written_dtype(sch, accumulate))
    end = fold_epilogue(sch, sch.get_sblock("unpack"))
    transform, columns = sch.get_sblock("transform"), sch.get_sblock("columns")
    products, rows = sch.get_sblock("products"), sch.get_sblock("rows")
    (n, band, place, t, o), (k,) = schedule_utils.spatial_and_reduced(sch, accumulate)
    across = schedule_utils.written_shape(sch, rows)[-2]
    K = schedule_utils.extent(sch, k)
    by_lane = lanes_read(K, target)
    chunk = chunk_steps(K, tile, target, multiple=by_lane or 1)
    count = schedule_utils.extent(sch, t)
    sharing = 1 if chunk == K else tiles_of_rows(tile, [count], most_tiles(tile, target))
    far, near, pixels = sch.split(t, [None, sharing, tile.pixels])
    block, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    chunks, step = sch.split(k, [None, chunk if sharing > 1 else K])
    around = [n, band, place, block, far, near]
    tiles = [around.pop()] if sharing > 1 else []
    nest = Nest(around, [chunks], tiles, step, [], pixels, vectors, lane)
    blocks = schedule_utils.written_shape(sch, accumulate)[-1] // tile.channels
    step = hold(sch, accumulate, products, nest, tile, target, by_lane=by_lane)
    _transform(sch, transform, columns, band, across, target)
    plan_prefetch(sch, nest, {place: blocks, block: 1}, step, target)
    _transform_back(sch, rows, end, band, notes[TILE_WIDTH], target)


def _transform(
    sch: Schedule, transform: SBlockRV, columns: SBlockRV, band: LoopRV, across: int, target: Target
) -> None:
    """A tile's inputs in registers, one vector of channels after the other."""
    sch.compute_at(transform, band, preserve_unit_loops=True)
    place, t, k = sch.get_loops(transform)[-3:]
    a, b = sch.split(place, [None, across])
    lanes = dividing_lanes(schedule_utils.extent(sch, k), target) or 1
    vectors, lane = sch.split(k, [None, lanes])
    sch.reorder(t, vectors, a, b, lane)
    sch.compute_at(columns, vectors, preserve_unit_loops=True)
    schedule_utils.unroll_all(sch, (a, b))
    *_, a, j, k = sch.get_loops(columns)
    sch.reorder(j, a, k)
    schedule_utils.unroll_all(sch, (j, a))
    if lanes > 1:
        sch.vectorize(lane)
        sch.vectorize(k)
    names = [sch.get(one).name_hint for one in schedule_utils.blocks(sch)]
    if "border" in names:
        border = sch.get_sblock("border")
        sch.compute_at(border, band, preserve_unit_loops=True)
        schedule_utils.vectorise_last(sch, border, target, below=2)


def _transform_back(
    sch: Schedule, rows: SBlockRV, end: SBlockRV, band: LoopRV, wide: int, target: Target
) -> None:
    """A tile's products in registers, one vector of channels after the other."""
    n, g, p, r, q, c, u, b, o = sch.get_loops(rows)
    _, bands, lower, down, later, across, high, _, _ = schedule_utils.written_shape(sch, rows)
    lanes = dividing_lanes(schedule_utils.extent(sch, o), target) or 1
    vectors, lane = sch.split(o, [None, lanes])
    sch.reorder(n, g, p, r, q, c, vectors, b, u, lane)
    n_, h, w, o_ = sch.get_loops(end)
    g_, r_, u_, p_ = sch.split(h, [bands, down, high, lower])
    c_, v_, q_ = sch.split(w, [across, wide, later])
    vectors_, lane_ = sch.split(o_, [None, lanes])
    sch.reorder(n_, g_, p_, r_, q_, c_, vectors_, u_, v_, lane_)
    schedule_utils.unroll_all(sch, (b, u, u_, v_))
    if lanes > 1:
        sch.vectorize(lane)
        sch.vectorize(lane_)
    sch.merge(vectors, vectors_)
    sch.merge(band, sch.get_loops(rows)[1])
