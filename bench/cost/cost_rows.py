"""Costs of one model on several runtimes as rows, the outputs of each checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.cost.estimating.estimate import estimate
from bench.cost.inference_cost import Cost, measure
from bench.cost.memory.core import RASPBERRY_PI_5, Core
from bench.cost.peer_cost import measure_peer
from bench.measure.agreement import compare as compare_outputs
from bench.measure.comparison import REFERENCE
from bench.models import Model
from bench.peers.peer import OURS, Setting, check_precision, converted, version_of
from bench.peers.rows import Rows, check
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench import cancellation
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact

Row = dict[str, Any]


@dataclass(frozen=True)
class CountedModel:
    """A model, its inputs, the outputs `expected` of every runtime, and whose time is estimated."""

    model: Model
    inputs: Mapping[str, NDArray]
    expected: Mapping[str, NDArray]
    core: Core = RASPBERRY_PI_5
    progress: Progress = lambda line: None

    def count_ours(self, setting: Setting, artefact: Artefact, tolerance: float) -> Row:
        """The row of what depthbench compiled.

        Raises what `measure` does, and CheckFailed for wrong outputs.
        """
        start = time.monotonic()
        cost, outputs = measure(artefact, self.inputs, self.progress, self.core)
        return row_of(setting, cost, outputs, self.expected, tolerance, self.core, start)

    def count_peer(self, setting: Setting, tolerance: float) -> Row:
        """The row of a peer; of several outputs the first is compared.

        Raises what `measure_peer` does, and CheckFailed for wrong outputs.
        """
        start = time.monotonic()
        cost, output = measure_peer(setting, self.model, self.inputs, self.progress, self.core)
        name, first = next(iter(self.expected.items()))
        if output.size == first.size:  # ncnn's have no batch
            output = output.reshape(first.shape)
        return row_of(setting, cost, {name: output}, {name: first}, tolerance, self.core, start)


def reference_outputs(model: Model, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """ONNX Runtime's outputs, on this machine, in the precision of the file."""
    with OnnxRuntimeCpu(model.path) as runtime:
        return runtime.run(inputs)


def able(
    settings: Iterable[Setting], model: Model, rows: Rows, progress: Progress
) -> list[Setting]:
    """Those of the settings that can run the model; why others cannot is noted in `rows`.

    What cannot be counted is found out before minutes are spent on the others.
    """
    found = []
    for setting in settings:
        cancellation.check()
        with rows.trying(setting), tempfile.TemporaryDirectory(prefix="depthbench-") as scratch:
            if setting.runtime != OURS:
                check_precision(setting)
                converted(setting.runtime, model, Path(scratch), progress)
            found.append(setting)
    return found


def estimated(cost: Cost, core: Core) -> Row:
    """A `cost`, its `estimate` on a core and its `traffic`, both None without simulated caches.

    Kernels have their part of the estimate, in `estimated_ms`, and the costliest come first.
    """
    if not cost.traffic:
        return {"cost": cost.to_dict(), "estimate": None, "traffic": None}
    kernels = []
    for share in cost.shares:
        part = estimate(share.est_cycles, share.moved, core) if share.moved else None
        kernels.append({**share.to_dict(), "estimated_ms": part and part.milliseconds})
    kernels.sort(key=lambda kernel: -(kernel["estimated_ms"] or 0.0))
    return {
        "cost": {**cost.to_dict(), "kernels": kernels},
        "estimate": estimate(cost.est_cycles, cost.traffic.total, core).to_dict(),
        "traffic": cost.traffic.to_dict(),
    }


def row_of(
    setting: Setting,
    cost: Cost,
    outputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    tolerance: float,
    core: Core,
    start: float,
) -> Row:
    """A cost with what it is of; CheckFailed unless the outputs are those `expected`.

    The time on `core` is estimated where its caches were simulated. `start` is when counting
    began, by the monotonic clock.
    """
    agreement = compare_outputs(expected, outputs, REFERENCE, tolerance)
    check(setting, agreement)
    return {
        "precision": setting.precision,
        "threads": 1,
        "version": version_of(setting.runtime),
        "agreement": agreement,
        **estimated(cost, core),
        "seconds": round(time.monotonic() - start, 1),
    }
