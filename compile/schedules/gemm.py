"""Schedule products with a matrix: pointwise convolutions, dense layers, batched products.

A tile of pixels by channels accumulates in registers over all steps.
"""

from __future__ import annotations

from math import prod

from tvm.s_tir import Schedule

from compile.choices import around_default
from compile.operators.annotations import WORKLOAD
from compile.operators.chunks import chunk_sizes, lanes_read, most_tiles
from compile.operators.tiles import Tile, sharing_tiles, tiles_of_rows
from compile.schedules import partial_sums, schedule_utils
from compile.schedules.elementwise import schedule_after
from compile.schedules.epilogue import fold_epilogue
from compile.schedules.microkernel import Nest, hold, plan_prefetch
from compile.schedules.rewrites import edge_marks, prefetch
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """Tiles of pixels by channels, panel by panel, chunk by chunk."""
    accumulate = sch.get_sblock("accumulate")
    notes = schedule_utils.take_annotations(sch, accumulate)
    tile, choose = Tile.of(notes), target.choices.of(notes.get(WORKLOAD, ""))
    sums = schedule_utils.written_dtype(sch, accumulate)
    target = target.of(sums)
    end = sch.get_sblock("unpack")
    # Half-precision numbers of one channel are widened by the vector, of several pixels.
    if schedule_utils.written_shape(sch, end)[-1] > 1 or target.element_bytes > 2:
        end = fold_epilogue(sch, end)
    (*leading, o), (k,) = schedule_utils.spatial_and_reduced(sch, accumulate)
    shape = schedule_utils.written_shape(sch, accumulate)[:-1]
    outer = [] if tile.fuse_pixels else leading[:-1]
    p = sch.fuse(*leading) if tile.fuse_pixels else leading[-1]
    K = schedule_utils.extent(sch, k)
    by_lane = lanes_read(K, target, quads=sums == "int32")
    stretch = partial_sums.stretch_of(sch, accumulate, k, by_lane or 1)
    chunk = stretch or choose("chunk", chunk_sizes(K, tile, target, multiple=by_lane or 1))
    sharing = 1
    if chunk not in (K, stretch):
        blocks = schedule_utils.extent(sch, o) // tile.channels
        most = tiles_of_rows(tile, shape, most_tiles(tile, target), blocks, target.threads)
        sharing = choose("tiles", around_default(most, sharing_tiles(tile, shape)))
    far, near, pixels = sch.split(p, [None, sharing, tile.pixels])
    block, vectors, lane = sch.split(o, [None, tile.vectors, tile.lanes])
    computes_panel = any(sch.get(b).name_hint == "pack" for b in schedule_utils.blocks(sch))
    chunks, step = sch.split(k, [None, chunk if sharing > 1 or stretch else K])
    tiles, along = ([near], [far]) if sharing > 1 else ([], [far, near])
    orders = {
        "weights": [block, *outer, *along],
        "rows": [*outer, block, *along],
        "pixels": [*outer, *along, block],
    }
    # A constant panel is read once while pixels stream by; a computed one is made for its batch.
    names = ["rows"] if computes_panel else list(orders)
    around = orders[
        choose("outermost", names if schedule_utils.extent(sch, block) > 1 else names[:1])
    ]
    outputs = schedule_utils.written_shape(sch, end)[-1]
    ragged = block if outputs % tile.channels and outputs > tile.channels else None
    nest = Nest(around, [chunks], tiles, step, [], pixels, vectors, lane, ragged)
    if computes_panel:
        _pack(sch, target, ragged=ragged is not None)
    weight_bytes = K * schedule_utils.written_shape(sch, accumulate)[-1] * target.element_bytes
    rows = sch.get_sblock("rows")
    image = str(sch.get(rows).reads[0].source.name)
    apart = chunks if stretch else None
    step = hold(
        sch, accumulate, end, nest, tile, target, choose, by_lane=by_lane, rows=rows, apart=apart
    )
    schedule_after(sch, end, target)
    single = prod(shape) == 1 and target.threads > 1
    if single:
        prefetch.plan_pixel(sch, image, around[-1])
    # Kernels before it have prefetched the weights of a single pixel, if these are not too many.
    prefetched = single and weight_bytes <= target.l2_bytes * prefetch.WAITING_SHARE
    if not (computes_panel or stretch or prefetched):
        plan_prefetch(sch, nest, {block: 1}, step, target, choose)


def _pack(sch: Schedule, target: Target, *, ragged: bool) -> None:
    """Vectorise the packing of a panel; a ragged one's last block reaches beyond the matrix."""
    pack = sch.get_sblock("pack")
    *_, block, _, _ = sch.get_loops(pack)
    schedule_utils.vectorise_last(sch, pack, target)
    if ragged:
        edge_marks.mark(sch, block, 0, 1)
