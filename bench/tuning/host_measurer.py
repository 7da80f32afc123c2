"""Measuring kernels and networks on this machine, for tuning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from bench.measure.agreement import seeded_inputs
from bench.measure.interleaving import interleave
from bench.measure.timing import Sample, time_once
from bench.tuning.measurer import Build, NetworkGain
from depthbench import cancellation
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

# The comparison of whole networks: rounds of each pair, and how many pairs are built.
ROUNDS = 60
BUILDS = 5


class ThisMachineMeasurer:
    """Kernels in their network, in turns with the default network (compile.tuning.host)."""

    places = 1

    def __init__(self, default: Trial, running: Running, progress: Progress) -> None:
        from compile.tuning.host import HostMeasurer

        self._measurer = HostMeasurer(default, running)
        self._inputs = running.ports
        self._threads = default.machine.threads
        self._progress = progress
        self.objective, self.exact = self._measurer.objective, self._measurer.exact

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """Median times."""
        return self._measurer.costs(trial, running)

    def whole(self, build: Build) -> NetworkGain:
        """CPU time on one thread, the clock's on more: ratios of interleaved medians.

        Where memory happens to lie is worth a percent: both networks are built several times. The
        ratio is the median over these pairs, and lies between their extremes.
        """
        several = self._threads > 1
        kind = "wall_ms" if several else "cpu_ms"
        found = []
        for number in range(BUILDS):
            cancellation.check()
            self._progress(
                f"comparing whole networks, tuned and not: pair {number + 1} of {BUILDS}"
            )
            samplers = {
                name: self._sampler(build(name == "tuned"), several)
                for name in ("default", "tuned")
            }
            times = interleave(samplers, rounds=ROUNDS, seed=number)
            ours, theirs = (median(getattr(times[name], kind)) for name in ("tuned", "default"))
            found.append((ours / theirs, ours, theirs))
        ratios, tuned, default = zip(*found, strict=True)
        return NetworkGain(
            median(ratios), min(ratios), max(ratios), median(tuned), median(default), kind
        )

    def _sampler(self, trial: Trial, several_threads: bool) -> Callable[[], Sample]:
        from compile.runtime.executable import Machine

        machine = Machine(trial.runs_here, self._threads)
        arrays = list(seeded_inputs(self._inputs).values())
        return partial(time_once, lambda: machine.run(arrays), several_threads)
