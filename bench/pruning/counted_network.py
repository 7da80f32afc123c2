"""What a network costs on a Cortex-A76, counted whole: exported, compiled and emulated."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.compile_service import compile_for
from bench.cost.inference_cost import measure
from bench.measure.agreement import seeded_inputs
from depthbench.progress import Progress
from depthnet.network import DepthNetwork

TARGET = "arm64-a76"


@dataclass(frozen=True)
class Count:
    """One inference: cycles as LLVM estimates them, and instructions."""

    cycles: float
    instructions: float


Counter = Callable[[DepthNetwork], Count]
"""Counts a whole network."""


def count_network(
    network: DepthNetwork,
    precision: str = "fp32",
    *,
    size: tuple[int, int] | None = None,
    progress: Progress = lambda line: None,
) -> Count:
    """Compile a network for the A76 and count one inference of it, on one thread.

    `size`: height and width of the image, by default the network's own. Nothing is kept. Raises
    what `compile_for` and `measure` do.
    """
    from depthnet.export.onnx_export import export
    from depthnet.weights.origin import Random

    with tempfile.TemporaryDirectory(prefix="depthbench-prune-") as scratch:
        folder = Path(scratch)
        file = folder / f"{network.entry.name}.onnx"
        progress("exporting")
        export(network, Random(0), file, size=size)
        artefact = compile_for(str(file), TARGET, folder, precision=precision, progress=progress)
        cost, _ = measure(artefact, seeded_inputs(artefact.manifest["inputs"]), progress)
    return Count(cost.est_cycles, cost.instructions)
