"""Functions without an accumulation: arithmetic, copies, transposes, resizing, concatenation."""

from __future__ import annotations

from math import prod
from typing import Any

from tvm import tirx
from tvm.ir import Call
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import ScheduleError

from compile.schedules import steps
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """Inline what is computed on the way and vectorise what is written."""
    inline_producers(sch, steps.blocks(sch))
    for block in steps.blocks(sch):
        steps.vectorise_last(sch, block, target)


def schedule_after(sch: Schedule, end: Any, target: Target) -> None:
    """The same for what follows the block that ends a contraction, where it could not be folded."""
    inline_producers(sch, steps.descendants(sch, end))
    for block in steps.descendants(sch, end):
        steps.vectorise_last(sch, block, target)


def inline_producers(sch: Schedule, blocks: list[Any]) -> None:
    """Inline each elementwise block that is read once a place into the block that reads it."""
    for block in blocks:
        if steps.is_reduction(sch, block) or not _is_cheap_inline(sch, block):
            continue
        try:
            sch.compute_inline(block)
        except ScheduleError:
            continue  # the result of the function, or of a form that cannot be inlined


def _is_cheap_inline(sch: Schedule, block: Any) -> bool:
    readers = sch.get_consumers(block)
    if readers and _converts(sch, block):
        return True
    if not readers or any(steps.is_reduction(sch, reader) for reader in readers):
        return False
    made = prod(steps.written_shape(sch, block))
    read = 0
    for reader in readers:
        size = prod(steps.written_shape(sch, reader))
        # A concatenation or a border reads each element of an operand once, however large it is.
        read += min(size, made) if _chooses(sch, reader) else size
    return read <= 2 * made


def _chooses(sch: Schedule, block: Any) -> bool:
    """Whether what the block writes is one of several operands, by a condition on its place."""
    value = getattr(sch.get(block).body, "value", None)
    return isinstance(value, Call) and getattr(value.op, "name", "") == "prim.if_then_else"


def _converts(sch: Schedule, block: Any) -> bool:
    """Whether the block only changes its operand's type, which costs less than to store it."""
    store = sch.get(block).body
    value = getattr(store, "value", None)
    return isinstance(value, tirx.Cast) and isinstance(value.value, TensorLoad)
