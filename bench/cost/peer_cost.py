"""Cost of one inference of TVM's peers on an emulated A76.

A peer runs in Python under emulation, with its own wheel for arm64 in the version installed here.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cost.counting import line_counts, programs
from bench.cost.counting.symbols import locate, parse_maps
from bench.cost.inference_cost import Cost, cost_of, count
from bench.cost.memory.core import Core
from bench.models import Model
from bench.peers.arm64_python import arm64_packages, arm64_python
from bench.peers.peer import PEERS, Setting, check_precision, converted
from bench.peers.program import write_program
from depthbench.errors import InputError
from depthbench.progress import Progress

# QEMU maps libraries here, and Debian's interpreter lies below: what Python itself does is not
# counted, which is all that it does at its start.
LIBRARIES = (0x5500000000, 0x7FFFFFFFFFFF)


def measure_peer(
    setting: Setting,
    model: Model,
    inputs: Mapping[str, NDArray],
    progress: Progress = lambda line: None,
    core: Core | None = None,
) -> tuple[Cost, NDArray]:
    """The cost of one inference of a model of one input on one thread, and its first output.

    With `core`, its caches are simulated too. Raises InputError for a model or precision that the
    peer does not take, ToolMissing when something cannot be had for arm64, CheckFailed when the
    model does not run.
    """
    check_precision(setting)
    if len(inputs) != 1:
        raise InputError(f"{model.file}: peers are measured on models of one input")
    peer = setting.runtime
    python = arm64_python(progress)
    packages = arm64_packages(python, PEERS[peer].packages, progress)
    options = json.dumps({"threads": 1, "precision": setting.precision})
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as scratch:
        folder = Path(scratch)
        content = io.BytesIO()
        np.save(content, next(iter(inputs.values())))
        (folder / "input0.npy").write_bytes(content.getvalue())
        file = converted(peer, model, folder, progress)
        program = write_program(folder)
        command = ["-L", str(python.root), str(python.interpreter), "-s", "-B", str(program)]
        command += ["count", peer, str(file.absolute()), options, str(line_counts.RUNS)]
        command += [scratch, str(programs.mark_library())]
        counts, traffic = count(
            command,
            peer_environment(packages),
            core,
            LIBRARIES,
            lambda line: progress(f"{setting.name}: {line}"),
        )
        maps = parse_maps((folder / "maps").read_text().splitlines())
        output = np.load(folder / "output0.npy")
    progress("estimating cycles")
    return cost_of(counts, lambda address: locate(address, maps), traffic=traffic), output


def peer_environment(packages: Sequence[Path]) -> dict[str, Any]:
    """What a peer's Python is given: its packages, one thread, nothing of the user's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(map(str, packages)),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
