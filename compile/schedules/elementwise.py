"""Functions without an accumulation: arithmetic, copies, transposes, resizing, concatenation."""

from __future__ import annotations

from math import prod
from typing import Any

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import ScheduleError

from compile.schedules import steps
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """Inline what is computed on the way and vectorise what is written."""
    inline_producers(sch)
    for block in steps.blocks(sch):
        steps.vectorise_last(sch, block, target)


def inline_producers(sch: Schedule) -> None:
    """Inline every elementwise block that is read once a place into the block that reads it."""
    for block in steps.blocks(sch):
        if steps.is_reduction(sch, block) or not _is_cheap_inline(sch, block):
            continue
        try:
            sch.compute_inline(block)
        except ScheduleError:
            continue  # the result of the function, or of a form that cannot be inlined


def _is_cheap_inline(sch: Schedule, block: Any) -> bool:
    readers = sch.get_consumers(block)
    if not readers or any(steps.is_reduction(sch, reader) for reader in readers):
        return False
    made = prod(steps.written_shape(sch, block))
    read = sum(prod(steps.written_shape(sch, reader)) for reader in readers)
    return read <= 2 * made
