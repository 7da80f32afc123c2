"""Networks whose milliseconds on real Cortex-A76 are public, with what they cost under emulation.

ncnn publishes what its benchmark prints on one thread of many devices. The same networks, on the
ncnn of today, are counted here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cost.counting import line_counts, programs
from bench.cost.counting.symbols import locate, parse_maps
from bench.cost.inference_cost import cost_of
from bench.cost.memory.core import RASPBERRY_PI_5
from bench.cost.memory.traffic import Moved, count_traffic
from bench.cost.peer_cost import LIBRARIES, peer_environment
from bench.peers.arm64_python import arm64_packages, arm64_python
from depthbench.errors import InputError
from depthbench.progress import Progress

FILE = Path(__file__).with_name("public_latencies.json")
SCHEMA = "depthbench.public-latencies/1"
PROGRAM = Path(__file__).with_name("run_ncnn.py")


@dataclass(frozen=True)
class PublicNetwork:
    """A network: its input, its milliseconds by device, and what it costs.

    `input_size` is that of a side of its square image of three channels in pixels; `est_cycles` are
    llvm-mca's; `moved` is as simulated with the caches of a Raspberry Pi 5, which a Snapdragon
    855+ shares.
    """

    name: str
    input_size: int
    milliseconds: Mapping[str, float]
    instructions: float
    est_cycles: float
    moved: Moved


def read_document(file: Path = FILE) -> dict[str, Any]:
    """The file as it is: sources of the figures, conditions of the counts, networks."""
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def read_networks(file: Path = FILE) -> list[PublicNetwork]:
    """The networks, the fastest on a Raspberry Pi 5 first."""
    found = [
        PublicNetwork(
            network["name"],
            network["input_size"],
            network["milliseconds"],
            network["instructions"],
            network["est_cycles"],
            Moved(**network["moved"]),
        )
        for network in read_document(file)["networks"]
    ]
    return sorted(found, key=lambda network: network.milliseconds[RASPBERRY_PI_5.name])


def count_network(
    param: Path, input_size: int, progress: Progress = lambda line: None
) -> tuple[float, float, Moved]:
    """Instructions, estimated cycles and moved lines of one inference of ncnn's network `param`.

    Raises InputError without the file, ToolMissing when something cannot be had for arm64,
    CheckFailed when the network does not run.
    """
    if not param.is_file():
        raise InputError(f"{param}: no such file", advice="take it from ncnn's benchmark/models")
    python = arm64_python(progress)
    packages = arm64_packages(python, ("ncnn", "numpy"), progress)
    environment = peer_environment(packages)
    with tempfile.TemporaryDirectory(prefix="depthbench-cost-") as folder:
        command = ["-L", str(python.root), str(python.interpreter), "-s", "-B", str(PROGRAM)]
        command += [str(param.absolute()), f"{input_size},{input_size},3", str(line_counts.RUNS)]
        command += [folder, str(programs.mark_library())]
        progress("counting instructions, simulating caches")
        counts, traffic = count_traffic(command, environment, RASPBERRY_PI_5, addresses=LIBRARIES)
        maps = parse_maps((Path(folder) / "maps").read_text().splitlines())
    cost = cost_of(counts, lambda address: locate(address, maps))
    return cost.instructions, cost.est_cycles, traffic.total
