"""Milliseconds of an inference on a Cortex-A76, estimated from what was counted under emulation.

The time is that of computing, as llvm-mca estimates it, times a factor, and that of the lines
that move between the last cache and memory. Factor and time of a line are fitted on public
milliseconds of real devices, and the interval is from networks that were not fitted on: see
calibration.py, and `benchmarks/cost_model.py`, which prints both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.cost.memory.core import Core
from bench.cost.memory.traffic import Moved

# A core's cycles for each of llvm-mca's, which lets no block begin before the one before has ended.
COMPUTE = 0.87
# Of ten networks that were not fitted on, nine are within this factor of their public milliseconds.
SPREAD = 1.08
COVERAGE = 0.9
JUDGED = 12


@dataclass(frozen=True)
class Estimate:
    """One inference on one core: cycles, and milliseconds with their interval.

    `compute_cycles` and `memory_cycles` are parts of `cycles`. `error_source` says what the
    interval is from.
    """

    core: str
    clock_ghz: float
    cycles: float
    compute_cycles: float
    memory_cycles: float
    milliseconds: float
    low_ms: float
    high_ms: float
    error_source: str

    def to_dict(self) -> dict[str, Any]:
        """The estimate as JSON."""
        return asdict(self)


def estimate(est_cycles: float, moved: Moved, core: Core) -> Estimate:
    """What `est_cycles` of llvm-mca's and the lines `moved` take on a core, at its clock."""
    compute = COMPUTE * est_cycles
    memory = memory_lines(moved) * core.memory_ns * core.clock_ghz
    milliseconds = (compute + memory) / core.clock_ghz / 1e6
    return Estimate(
        core.title,
        core.clock_ghz,
        compute + memory,
        compute,
        memory,
        milliseconds,
        milliseconds / SPREAD,
        milliseconds * SPREAD,
        error_source(core),
    )


def memory_lines(moved: Moved) -> float:
    """Lines that the last cache takes from memory or gives to it."""
    return moved.l3_foreseen + moved.l3_unforeseen + moved.written_back


def error_source(core: Core) -> str:
    """What the interval of an estimate is from, and what is not known of it."""
    return (
        f"{COVERAGE:.0%} of {JUDGED} networks on ncnn that were not fitted on; the time of memory "
        f"as of a {core.memory_from}"
    )
