"""Which iterations of a loop read beyond an edge, and are to be peeled when code is generated."""

from __future__ import annotations

from tvm import tirx
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import LoopRV

# On a loop: how many of its first and last iterations read beyond an edge.
FIRST, LAST = "compile.first_edge", "compile.last_edge"
# On a loop over vectors: the lanes of the last one, where they are fewer than of the others.
LANES = "compile.last_lanes"


def mark(sch: Schedule, loop: LoopRV, first: int, last: int, lanes: int = 0) -> None:
    """Have the first and last iterations of a loop peeled; the last one's vectors have `lanes`."""
    for key, value in ((FIRST, first), (LAST, last), (LANES, lanes)):
        sch.annotate(loop, key, value)


def has_edges(loop: tirx.For) -> bool:
    """Whether some iterations of a loop are to be peeled: it must stay in one piece."""
    return any(int(loop.annotations.get(key, 0)) for key in (FIRST, LAST, LANES))
