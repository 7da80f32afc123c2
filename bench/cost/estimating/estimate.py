"""Milliseconds of an inference on a Cortex-A76, estimated from what was counted under emulation.

The time is that of computing, as llvm-mca estimates it, times a factor, and that of the lines
which the last cache gives back to memory. A line that is written back stands for one of a result
that no cache held until it was read again; weights are read in streams, which a core foresees.
Factor and time of a line are fitted on public milliseconds of real devices, and the interval is
from how far these are off: see ../memory/calibration.py, and `benchmarks/cost_model.py`,
which prints both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.cost.memory.core import Core
from bench.cost.memory.traffic import Moved

# A core's cycles for each of llvm-mca's.
COMPUTE = 0.883
# That share of so many networks is within this factor of its public milliseconds, if the logarithms
# of errors are normal: see calibration.spread.
COVERAGE = 0.9
SPREAD = 1.09
NETWORKS = 25


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
    memory = moved.written_back * core.line_ns * core.clock_ghz
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


def error_source(core: Core) -> str:
    """What the interval of an estimate is from, and what is not known of it."""
    return (
        f"the errors of {COVERAGE:.0%} of {NETWORKS} networks on ncnn, in fp16, whose time on a "
        "Raspberry Pi 5 and a Snapdragon 855+ is public, each by a fit on the others; "
        f"memory as fast as a {core.memory_of}'s"
    )
