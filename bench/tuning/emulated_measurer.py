"""Estimated cost of kernels and networks on an emulated phone, for tuning."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cost.inference_cost import Cost, measure
from bench.measure.agreement import seeded_inputs
from bench.tuning.measurer import Build, NetworkGain
from bench.tuning.trial_artefact import as_artefact
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

Ports = Sequence[Mapping[str, Any]]


class EmulatedMeasurer:
    """Instructions counted under emulation, and LLVM's estimate of their cycles: always the same.

    It knows no caches: see bench.cost.
    """

    objective = "estimated cycles (emulated)"
    exact = True
    places = 1

    def __init__(self, default: Trial, running: Running, progress: Progress) -> None:
        self._ports = running.ports
        self._progress = progress
        self._default = self._kernels(default, set(default.kernels.values()))

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """Estimated cycles: emulation is slow, so that each kernel runs once, and alone."""
        found = self._kernels(trial, set(trial.choices.tuned))
        return {name: (cycles, self._default[name]) for name, cycles in found.items()}

    def whole(self, build: Build) -> NetworkGain:
        """Estimated cycles of one inference."""
        ours, theirs = (self._whole(build(tuned)).est_cycles for tuned in (True, False))
        ratio = ours / theirs
        return NetworkGain(ratio, ratio, ratio, ours, theirs, self.objective)

    def _kernels(self, trial: Trial, workloads: set[str]) -> dict[str, float]:
        number = {"name": "x", "shape": [1], "dtype": "float32"}
        last = sorted(name for name, work in trial.kernels.items() if work in workloads)[-1]
        shape, dtype = trial.tensors(last)[-1]
        output = {"name": "y", "shape": list(shape), "dtype": dtype}
        cost = self._cost(trial.called_once(workloads), trial, [number], [output])
        found: defaultdict[str, float] = defaultdict(float)
        for share in cost.shares:
            if workload := trial.kernels.get(share.name):
                found[workload] += share.est_cycles * trial.calls[share.name]
        return dict(found)

    def _whole(self, trial: Trial) -> Cost:
        outputs = [port.to_dict() for port in trial.compiled.outputs]
        return self._cost(trial.compiled.executable, trial, self._ports, outputs)

    def _cost(self, executable: Any, trial: Trial, inputs: Ports, outputs: Ports) -> Cost:
        with tempfile.TemporaryDirectory(prefix="depthbench-tune-") as folder:
            artefact = as_artefact(executable, trial.machine, inputs, outputs, Path(folder))
            return measure(artefact, seeded_inputs(inputs), self._progress)[0]
