"""Schedule softmax along rows, alone or between attention's products.

All of a row is done before the next one, in lanes side by side; of attention, all of a block of
queries: its scores, their softmax, and the values that they weight.
"""

from __future__ import annotations

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from compile.operators.rows.softmax import LANES, VECTOR, lanes_side_by_side
from compile.operators.tiles import Tile, dividing_lanes
from compile.schedules import schedule_utils
from compile.schedules.elementwise import inline_producers, schedule_after
from compile.schedules.epilogue import fold_epilogue
from compile.targets import Target

# What is packed once for a head; all else is computed for each block of queries.
_PANELS = ("keys", "values")
_SUMS = ("products", "accumulate")


def schedule(sch: Schedule, target: Target) -> None:
    """A loop over rows; what is computed of a row stays in the first cache."""
    written = sch.get_sblock("unpack")
    schedule_utils.take_annotations(sch, written)
    end = fold_epilogue(sch, written)
    last = sch.get(end).name_hint
    before = _before(sch, last)
    inline_producers(sch, [one for one in before if not _is_vector(sch, one)])
    *outer, _ = sch.get_loops(end)
    row = sch.fuse(*outer) if outer else sch.add_unit_loop(end)
    names = [sch.get(one).name_hint for one in _before(sch, last)]
    for name in reversed(names):
        sch.compute_at(sch.get_sblock(name), row, preserve_unit_loops=True)
    for name in names:
        _in_lanes(sch, name, target)
    schedule_after(sch, end, target)


def _is_vector(sch: Schedule, block: SBlockRV) -> bool:
    return str(sch.get(block).name_hint).endswith(VECTOR)


def _before(sch: Schedule, name: str) -> list[SBlockRV]:
    """The blocks before that of this name."""
    found = schedule_utils.blocks(sch)
    return found[: [sch.get(one).name_hint for one in found].index(name)]


def _in_lanes(sch: Schedule, name: str, target: Target) -> None:
    """Vectorise an accumulation in lanes; LLVM vectorises what is plain, with what is left over."""
    block = sch.get_sblock(name)
    if name.endswith(LANES):
        _reduce(sch, block, target)
    elif schedule_utils.is_reduction(sch, block):
        sch.decompose_reduction(block, sch.get_loops(block)[-1])
    elif name.endswith(VECTOR):
        sch.vectorize(sch.get_loops(block)[-1])


def schedule_attention(sch: Schedule, target: Target) -> None:
    """Attention: what is made of a block of queries stays in the caches until it is written."""
    tiles = {
        name: Tile.of(schedule_utils.take_annotations(sch, sch.get_sblock(name))) for name in _SUMS
    }
    end = fold_epilogue(sch, sch.get_sblock("unpack"))
    names = [sch.get(one).name_hint for one in schedule_utils.blocks(sch)]
    names = names[: names.index("averages")]
    averages = sch.get_sblock("averages")
    batch, head, t, _ = sch.get_loops(averages)
    queries, _ = sch.split(t, [None, tiles["accumulate"].pixels])
    places = {"accumulate": _in_tiles(sch, averages, tiles["accumulate"])}
    _write(sch, end, places["accumulate"], target)
    for name in reversed(names):
        one = sch.get_sblock(name)
        if name in places:
            _accumulate(sch, one, places[name], tiles[name], target)
            continue
        around = (batch, head) if name in _PANELS else (batch, head, queries)
        sch.compute_at(one, around[-1], preserve_unit_loops=True)
        if name == "scores":
            places["products"] = _in_tiles(sch, one, tiles["products"])
        elif name.endswith(LANES):
            _reduce(sch, one, target)
        elif name == "powers":
            _side_by_side(sch, one, target)
        else:
            schedule_utils.vectorise_last(sch, one, target, below=len(around))
    schedule_after(sch, end, target)


def _side_by_side(sch: Schedule, block: SBlockRV, target: Target) -> None:
    """Compute several vectors of a row at once, which share the constants of their polynomials."""
    columns = sch.get_loops(block)[-1]
    lanes = target.vector_lanes
    several = lanes_side_by_side(schedule_utils.extent(sch, columns), lanes) // lanes
    _, vectors, lane = sch.split(columns, [None, several, lanes])
    sch.unroll(vectors)
    sch.vectorize(lane)


def _in_tiles(sch: Schedule, block: SBlockRV, tile: Tile) -> LoopRV:
    """Cut the columns of a block, whose rows are a tile's, into tiles; returns the loop of them."""
    rows, columns = sch.get_loops(block)[-2:]
    across, vectors, lane = sch.split(columns, [None, tile.vectors, tile.lanes])
    sch.reorder(across, rows, vectors, lane)
    schedule_utils.unroll_all(sch, [rows, vectors])
    sch.vectorize(lane)
    return across


def _write(sch: Schedule, end: SBlockRV, place: LoopRV, target: Target) -> None:
    """Write a tile of the result in vectors, where these divide a head's numbers."""
    sch.reverse_compute_at(end, place, preserve_unit_loops=True)
    lanes = dividing_lanes(schedule_utils.written_shape(sch, end)[-1], target)
    if lanes:
        *_, columns = sch.get_loops(end)
        sch.vectorize(sch.split(columns, [None, lanes])[1])


def _reduce(sch: Schedule, block: SBlockRV, target: Target) -> None:
    """Reduce rows in lanes side by side."""
    lane, step = sch.get_loops(block)[-2:]
    vectors, lane = sch.split(lane, [None, target.vector_lanes])
    sch.reorder(step, vectors, lane)
    sch.unroll(vectors)
    sch.vectorize(lane)
    sch.decompose_reduction(block, step)


def _accumulate(sch: Schedule, sums: SBlockRV, around: LoopRV, tile: Tile, target: Target) -> None:
    """A tile of rows by columns accumulates in registers over all steps."""
    sch.compute_at(sums, around, preserve_unit_loops=True)
    rows, columns, step = sch.get_loops(sums)[-3:]
    vectors, lane = sch.split(columns, [None, tile.lanes])
    sch.reorder(step, rows, vectors, lane)
    schedule_utils.unroll_all(sch, [rows, vectors])
    sch.vectorize(lane)
    if target.by_lane:
        # Several steps of a row in one register: LLVM then multiplies by a lane of it.
        step, several = sch.split(step, [None, target.vector_lanes])
        sch.unroll(several)
        held = sch.cache_read(sums, 0, "global", [sums])
        sch.compute_at(held, step, preserve_unit_loops=True)
        *_, each, read = sch.get_loops(held)
        sch.unroll(each)
        sch.vectorize(read)
    sch.decompose_reduction(sums, step)
