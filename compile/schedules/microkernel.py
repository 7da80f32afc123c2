"""The loop nest of every product with packed weights: a tile of the output held in registers.

From the outside in: loops around tiles; chunks of the steps, each with a piece of the packed
weights that stays in the first cache; the tiles that are taken through one chunk before the next,
their sums waiting in a small buffer; the steps of a chunk; and the tile itself, unrolled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV, SBlockRV

from compile.choices import Choose, around_default, by_default
from compile.operators.tiles import Tile
from compile.schedules import partial_sums, schedule_utils
from compile.schedules.rewrites import edge_marks, prefetch
from compile.targets import Target

# How many steps of a chunk may be written out.
UNROLLED = (1, 2, 4)


@dataclass(frozen=True)
class Nest:
    """The loops of an accumulation, in order from the outside in.

    The block that writes the result runs at the innermost loop of `around`. `chunks` are over
    pieces of the weights, `tiles` over tiles that share one, `step` is over the steps of a chunk;
    `window` are further steps inside it, unrolled; `pixels`, `vectors` and `lane` are the tile.
    `ragged` is the loop of `around` whose last iteration has channels to spare, if there are more.
    """

    around: list[LoopRV]
    chunks: list[LoopRV]
    tiles: list[LoopRV]
    step: LoopRV
    window: list[LoopRV]
    pixels: LoopRV
    vectors: LoopRV
    lane: LoopRV
    ragged: LoopRV | None = None

    def loops(self, *, by_weight: bool = False) -> list[LoopRV]:
        """All of them; with `by_weight`, a step multiplies all pixels by one vector at a time."""
        tile = [self.vectors, self.pixels] if by_weight else [self.pixels, self.vectors]
        outer = [*self.around, *self.chunks, *self.tiles]
        return [*outer, self.step, *self.window, *tile, self.lane]


def hold(
    sch: Schedule,
    accumulate: SBlockRV,
    end: SBlockRV,
    nest: Nest,
    tile: Tile,
    target: Target,
    choose: Choose = by_default,
    *,
    by_lane: int,
    rows: SBlockRV | None = None,
    apart: LoopRV | None = None,
) -> LoopRV:
    """Order the loops, unroll and vectorise the tile, and write it through `end`.

    `by_lane` steps of the first operand are read at once, none where zero; `rows` is the block
    that reads it, where there is one of its own. Each iteration of the loop `apart`, the last of
    the chunks, has a sum of its own, where it is given. Returns the loop over steps.
    """
    # Where a register is read by lane, those of all pixels stay; the weights of a step need not.
    together = tile.pixels * tile.vectors + tile.pixels + tile.vectors
    by_weight = by_lane > 0 and together > target.registers
    sch.reorder(*nest.loops(by_weight=by_weight))
    sch.reverse_compute_at(end, nest.around[-1], preserve_unit_loops=True)
    if rows is not None and not by_lane:
        sch.compute_inline(rows)
    first, step, window = nest.chunks[0], nest.step, nest.window
    in_tile = [nest.pixels, nest.vectors, nest.lane]
    if apart is not None:
        accumulate, (step, *in_tile) = partial_sums.in_stretches(sch, accumulate, apart, tile)
        first, window = None, []
    if by_lane:
        # Several steps of a pixel in one register: LLVM then multiplies by a lane of it.
        step, several = sch.split(step, [None, by_lane])
        sch.unroll(several)
        step, turn = _unroll(sch, step, 1, choose)
        held = sch.cache_read(accumulate, 0, "global") if rows is None else rows
        sch.compute_at(held, turn, preserve_unit_loops=True)
        around = len(sch.get_loops(accumulate)) - len([several, *window, *in_tile])
        *pixels, last = sch.get_loops(held)[around:]
        schedule_utils.unroll_all(sch, pixels)
        sch.vectorize(last)
    elif not window:
        # The loop's own arithmetic competes for the ports that multiply.
        in_registers = tile.pixels * tile.vectors + 2 * tile.vectors + 1
        step, _ = _unroll(sch, step, 2 if in_registers < target.registers else 1, choose)
    schedule_utils.unroll_all(sch, [*window, *in_tile[:-1]])
    sch.vectorize(in_tile[-1])
    sch.decompose_reduction(accumulate, step if first is None else first)
    _write(sch, end, nest, tile)
    return step


def _unroll(sch: Schedule, step: LoopRV, turns: int, choose: Choose) -> tuple[LoopRV, LoopRV]:
    """Write `turns` of the loop's turns out, where they divide; returns the loop, and the turns."""
    fitting = [n for n in UNROLLED if schedule_utils.extent(sch, step) % n == 0]
    turns = choose("unrolled", around_default(turns if turns in fitting else 1, fitting))
    if turns == 1:
        return step, step
    step, turn = sch.split(step, [None, turns])
    sch.unroll(turn)
    return step, turn


def _write(sch: Schedule, end: SBlockRV, nest: Nest, tile: Tile) -> None:
    """Vectorise the block that writes the result, in vectors that divide its channels."""
    *pixels, channels = sch.get_loops(end)[len(nest.around) :]
    outputs = schedule_utils.written_shape(sch, end)[-1]
    # Bytes are made of several registers at once.
    widest = (
        min(16, tile.channels) if "int8" in schedule_utils.written_dtype(sch, end) else tile.lanes
    )
    whole = gcd(outputs, tile.channels)
    lanes = next((n for n in (16, 8, 4) if n <= widest and whole % n == 0), 0)
    if not lanes and nest.ragged is not None:
        lanes = tile.lanes
        edge_marks.mark(sch, nest.ragged, 0, 1)
    if lanes:
        vectors, lane = sch.split(channels, [None, lanes])
        sch.unroll(vectors)
        sch.vectorize(lane)
    if all(schedule_utils.extent(sch, loop) == 1 for loop in nest.tiles):
        schedule_utils.unroll_all(sch, pixels)


def plan_prefetch(
    sch: Schedule,
    nest: Nest,
    blocks: dict[LoopRV, int],
    step: LoopRV,
    target: Target,
    choose: Choose = by_default,
) -> None:
    """Prefetch the next piece of weights: a chunk where tiles share it, else a whole panel.

    `blocks` are the loops over panels, with their strides in panels.
    """
    if not target.prefetches or choose("ahead", ("yes", "no")) == "no":
        return
    strides: dict[LoopRV, int] = {}
    stride = 1
    if any(schedule_utils.extent(sch, loop) > 1 for loop in nest.tiles):
        for loop in reversed(nest.chunks):
            strides[loop] = stride
            stride *= schedule_utils.extent(sch, loop)
    panels = {loop: count * stride for loop, count in blocks.items()}
    prefetch.plan(sch, {**panels, **strides}, nest.chunks, step, target)
