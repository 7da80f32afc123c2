"""Prefetch the next panel of weights while the present one is multiplied.

A panel is read once from beyond the caches and then again for every tile of pixels. Without a
hint the first of these passes waits for memory and the others leave it idle; with one, the next
panel arrives evenly during all of them. On maps of 7x7 pixels, where a weight is used 49 times,
the wait was two fifths of the time.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV
from tvm_ffi import structural_mutate, structural_walk

from compile.operators.loop_nests import loop_like
from compile.targets import Target

# On a loop over panels: how many panels lie between two of its iterations.
PANELS = "compile.panels"
# On the loop over steps of a panel: the name of the panels' buffer.
STEPS = "compile.panel_buffer"
# On the loop around the product of a single pixel: the name of the buffer that holds it.
PIXEL = "compile.pixel_buffer"
MARKS = {PANELS, STEPS, PIXEL}
# How much of the second cache holds weights that are prefetched for later kernels.
WAITING_SHARE = 0.5
# LLVM's numbers for the cache that a line is to come to.
FIRST_CACHE, SECOND_CACHE = 3, 2
# With more passes than this a panel's first one hardly matters.
MAX_PASSES = 16
LINE_BYTES = 64
# A larger panel would be gone before it is used: of that, what is used soon is prefetched. A
# dense layer of 411 MB was read at 7.9 GB/s with whole panels, at 12.8 GB/s like this.
PANEL_BYTES = 1 << 19
NEAR_BYTES = 1 << 16


def plan(
    sch: Schedule, panels: dict[LoopRV, int], along: list[LoopRV], step: LoopRV, target: Target
) -> None:
    """Mark loops for `insert`: those over panels, with their strides in panels, and the steps.

    The accumulation reads the panels, [panels, steps..., channels], as its second operand; loops of
    `along` go through the steps of one, as `step` does inside them, and the others go over it
    again. Nothing is marked where the target fetches by itself, or where there is one panel, or
    many passes.
    """
    accumulate = sch.get_sblock("accumulate_update")
    loops = sch.get_loops(accumulate)
    extents = [int(sch.get(loop).extent) for loop in loops]
    turning = [i for i in (_place(sch, loops, loop) for loop in panels) if extents[i] > 1]
    if not target.prefetches or not turning:
        return
    through = [_place(sch, loops, loop) for loop in along]
    inside = range(turning[-1] + 1, _place(sch, loops, step))
    if prod(extents[i] for i in inside if i not in through) > MAX_PASSES:
        return
    for loop, stride in panels.items():
        sch.annotate(loop, PANELS, stride)
    sch.annotate(step, STEPS, str(sch.get(accumulate).reads[2].source.name))


def plan_pixel(sch: Schedule, image: str, around: LoopRV) -> None:
    """Mark the loop `around` the product of an image of one pixel for `insert`.

    Each thread prefetches all of the buffer called `image`: other cores have written most of it a
    moment ago. To wait for its lines one after the other, as the steps come to them, takes longer
    than to multiply.
    """
    sch.annotate(around, PIXEL, image)


def _place(sch: Schedule, loops: list[LoopRV], loop: LoopRV) -> int:
    return next(i for i, one in enumerate(loops) if sch.get(one).same_as(sch.get(loop)))


def insert(function: tirx.PrimFunc) -> tirx.PrimFunc:
    """The scheduled function with its hints, where `plan` marked some."""
    around: list[tirx.For] = []

    def on_loop(loop: tirx.For, mutator: Any) -> tirx.Stmt:
        around.append(loop)
        result = mutator.default_mutate(loop)
        around.pop()
        notes = dict(loop.annotations)
        if not MARKS & set(notes):
            return result
        body = result.body
        if PIXEL in notes:
            body = tirx.SeqStmt([_whole(_buffer(body, str(notes[PIXEL]))), body])
        if STEPS in notes:
            body = tirx.SeqStmt([*_hints([*around, loop], str(notes[STEPS])), body])
        kept = {key: note for key, note in notes.items() if key not in MARKS}
        return loop_like(result, body, annotations=kept)

    return function.with_body(structural_mutate(function.body, [(tirx.For, on_loop)]))


def _hints(loops: list[tirx.For], name: str) -> list[tirx.Stmt]:
    """Hints that together prefetch one whole panel while all passes over another one run."""
    buffer = _buffer(loops[-1].body, name)
    over_panels = [i for i, loop in enumerate(loops) if PANELS in loop.annotations]
    strides = [int(loops[i].annotations[PANELS]) for i in over_panels]
    panels = max(int(loops[i].extent) * s for i, s in zip(over_panels, strides, strict=True))
    number = sum(loops[i].loop_var * s for i, s in zip(over_panels, strides, strict=True))
    last = max(i for i in over_panels if int(loops[i].extent) > 1)
    run: tirx.Expr = tirx.const(0, "int32")
    for loop in loops[last + 1 :]:
        run = run * loop.extent + loop.loop_var
    runs = prod(int(loop.extent) for loop in loops[last + 1 :])
    shape = [int(edge) for edge in buffer.ty.shape]
    elements = prod(shape) // panels
    item = np.dtype(str(buffer.ty.dtype)).itemsize
    line = LINE_BYTES // item
    each = -(-elements // runs)
    ahead = elements if elements * item <= PANEL_BYTES else NEAR_BYTES // item
    start = number * elements + run * each + ahead
    origin = [0] * (len(shape) - 1)
    return [prefetch(buffer[(*origin, start + offset)]) for offset in range(0, each, line)]


def _whole(buffer: tirx.Var) -> tirx.Stmt:
    """Hints for all lines of a buffer."""
    shape = [int(edge) for edge in buffer.ty.shape]
    line = LINE_BYTES // np.dtype(str(buffer.ty.dtype)).itemsize
    number = tirx.Var("line", "int64")
    hint = prefetch(buffer[(*[0] * (len(shape) - 1), number * line)], FIRST_CACHE)
    zero, lines = tirx.const(0, "int64"), tirx.const(-(-prod(shape) // line), "int64")
    return tirx.For(number, zero, lines, tirx.ForKind.SERIAL, hint)


def prefetch(place: tirx.Expr, cache: int = SECOND_CACHE) -> tirx.Stmt:
    """A hint that the line at `place`, an element of a buffer, is soon read."""
    address = tirx.address_of(place)
    read, data = 0, 1
    hint = tirx.call_intrin("void", "tirx.prefetch", address, read, cache, data)
    return tirx.Evaluate(hint)


def _buffer(body: tirx.Stmt, name: str) -> tirx.Var:
    found: list[tirx.Var] = []

    def on_load(load: TensorLoad) -> None:
        if str(load.source.name) == name:
            found.append(load.source)

    structural_walk(body, (TensorLoad, on_load))
    return found[0]
