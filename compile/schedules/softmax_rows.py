"""Schedule softmax along rows: all of a row is done before the next one, in lanes side by side."""

from __future__ import annotations

from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV

from compile.schedules import schedule_utils
from compile.schedules.elementwise import inline_producers, schedule_after
from compile.schedules.epilogue import fold_epilogue
from compile.targets import Target


def schedule(sch: Schedule, target: Target) -> None:
    """A loop over rows; what is computed of a row stays in the first cache."""
    written = sch.get_sblock("unpack")
    schedule_utils.take_annotations(sch, written)
    end = fold_epilogue(sch, written)
    last = sch.get(end).name_hint
    inline_producers(sch, _before(sch, last))
    *outer, _ = sch.get_loops(end)
    row = sch.fuse(*outer) if outer else sch.add_unit_loop(end)
    before = [sch.get(one).name_hint for one in _before(sch, last)]
    for name in reversed(before):
        sch.compute_at(sch.get_sblock(name), row, preserve_unit_loops=True)
    for name in before:
        _in_lanes(sch, name, target)
    schedule_after(sch, end, target)


def _before(sch: Schedule, name: str) -> list[SBlockRV]:
    """The blocks before that of this name."""
    found = schedule_utils.blocks(sch)
    return found[: [sch.get(one).name_hint for one in found].index(name)]


def _in_lanes(sch: Schedule, name: str, target: Target) -> None:
    """Vectorise an accumulation in lanes; LLVM vectorises what is plain, with what is left over."""
    block = sch.get_sblock(name)
    if name.endswith("_lanes"):
        lane, step = sch.get_loops(block)[-2:]
        vectors, lane = sch.split(lane, [None, target.vector_lanes])
        sch.reorder(step, vectors, lane)
        sch.unroll(vectors)
        sch.vectorize(lane)
        sch.decompose_reduction(block, step)
    elif schedule_utils.is_reduction(sch, block):
        sch.decompose_reduction(block, sch.get_loops(block)[-1])
