"""Estimated cost of kernels and networks on an emulated phone, for tuning."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cost.estimating.estimate import estimate
from bench.cost.inference_cost import Cost, measure
from bench.cost.memory.core import RASPBERRY_PI_5
from bench.cost.memory.traffic import Moved
from bench.measure.agreement import seeded_inputs
from bench.tuning.measurer import Build, NetworkGain
from bench.tuning.trial_artefact import as_artefact
from depthbench.emulator import INSTALL
from depthbench.errors import ToolMissing
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

Ports = Sequence[Mapping[str, Any]]

CORE = RASPBERRY_PI_5


class EmulatedMeasurer:
    """Cycles that a network and its kernels are estimated to take on CORE, memory with them.

    Each kernel is counted in its network, so that its caches are as the kernels before it leave
    them. Raises ToolMissing where QEMU loads no plugins.
    """

    objective = f"estimated cycles, with those of memory (emulated, {CORE.title})"
    exact = True
    places = 1

    def __init__(self, default: Trial, running: Running, progress: Progress) -> None:
        self._ports = running.ports
        self._progress = progress
        self._default = self._kernels(default)

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """Estimated cycles of each workload's calls in one inference."""
        found = self._kernels(trial)
        return {
            name: (found[name], self._default[name])
            for name in trial.choices.tuned
            if name in found and name in self._default
        }

    def whole(self, build: Build) -> NetworkGain:
        """Estimated cycles of one inference."""
        ours, theirs = (self._whole(build(tuned)) for tuned in (True, False))
        ratio = ours / theirs
        return NetworkGain(ratio, ratio, ratio, ours, theirs, self.objective)

    def _kernels(self, trial: Trial) -> dict[str, float]:
        found: defaultdict[str, float] = defaultdict(float)
        for share in self._cost(trial).shares:
            if workload := trial.kernels.get(share.name):
                found[workload] += cycles(share.est_cycles, share.moved)
        return dict(found)

    def _whole(self, trial: Trial) -> float:
        cost = self._cost(trial)
        return cycles(cost.est_cycles, cost.traffic.total if cost.traffic else None)

    def _cost(self, trial: Trial) -> Cost:
        outputs = [port.to_dict() for port in trial.compiled.outputs]
        with tempfile.TemporaryDirectory(prefix="depthbench-tune-") as folder:
            artefact = as_artefact(
                trial.compiled.executable, trial.machine, self._ports, outputs, Path(folder)
            )
            return measure(artefact, seeded_inputs(self._ports), self._progress, CORE)[0]


def cycles(est_cycles: float, moved: Moved | None) -> float:
    """Those of computing and of memory; ToolMissing where what moved could not be simulated."""
    if moved is None:
        raise ToolMissing("QEMU here loads no plugins, which simulate caches", advice=INSTALL)
    return estimate(est_cycles, moved, CORE).cycles
