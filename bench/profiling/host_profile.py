"""Profile an artefact on this machine."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from bench.measure.agreement import seeded_inputs
from bench.measure.timing import time_once
from bench.profiling.kernel_profile import profile_of
from bench.profiling.measured_peak import arithmetic_of, peak_here
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact


def profile_here(
    artefact: Artefact, inferences: int, progress: Progress = lambda line: None
) -> dict[str, Any]:
    """Time the operators of an artefact for this machine, and whole inferences before and after.

    CPU time on one thread, which what else the machine does leaves alone; the clock's on more.
    """
    from compile.runtime.executable import HostModel

    manifest = artefact.manifest
    threads, precision = manifest["threads"], manifest["precision"]
    progress("measuring the peak")
    peak = peak_here(arithmetic_of(precision), threads)
    model = HostModel(artefact)
    inputs = seeded_inputs(manifest["inputs"])

    def whole() -> list[float]:
        samples = [time_once(lambda: model.run(inputs)) for _ in range(inferences)]
        return [one.cpu_ms if threads == 1 else one.wall_ms for one in samples]

    model.run(inputs)
    progress("timing whole inferences")
    before = whole()
    progress("timing operators")
    calls = model.call_times(inputs, inferences)
    after = whole()
    return {
        "model": manifest["name"],
        "artefact_sha256": artefact.sha256,
        "target": manifest["target"],
        "threads": threads,
        "precision": precision,
        "time": "CPU time" if threads == 1 else "clock",
        "profile": profile_of(manifest["kernels"], calls, median([*before, *after]), peak),
    }
