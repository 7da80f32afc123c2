"""What a package costs beside the same code in TVM's virtual machine.

python benchmarks/package_speed.py [--models NAME ...] [--rounds N] [--no-instructions] [--json]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np

from android_rpc.bundle.bundle import LOADER, build_bundle
from bench import cli
from bench.compile_service import compile_for
from bench.cost.counting import line_counts, programs
from bench.cost.inference_cost import count_artefact, runner_environment
from bench.measure.agreement import seeded_inputs
from bench.package_service import package_for
from compile.onnx.checked_model import Port
from compile.package.emulated_run import SOURCE, read_outputs, runner_command
from compile.package.loaded_library import LoadedNetwork
from compile.package.manifest_file import Package
from compile.package.toolchain import get, run_zig
from compile.runtime.aligned_array import aligned_empty
from compile.runtime.executable import HostModel
from depthnet.zoo import FLAGSHIP

# Each in a process of its own, whose Python has loaded NumPy, and TVM where that is what runs.
STARTS = {
    "package": """
import sys, time
from pathlib import Path
import numpy as np
from compile.package.loaded_library import LoadedNetwork
begin = time.perf_counter()
network = LoadedNetwork(Path(sys.argv[1]))
network.run({name: np.zeros(*port) for name, port in network.inputs.items()})
print((time.perf_counter() - begin) * 1e3)
""",
    "tvm": """
import sys, time
from pathlib import Path
import numpy as np
import tvm
from tvm import relax
from compile.artefact import load_artefact
from compile.runtime.executable import HostModel
artefact = load_artefact(Path(sys.argv[1]))
begin = time.perf_counter()
model = HostModel(artefact)
ports = artefact.manifest["inputs"]
model.run({one["name"]: np.zeros(one["shape"], one["dtype"]) for one in ports})
print((time.perf_counter() - begin) * 1e3)
""",
}
STARTED = 5


@click.command()
@click.option("--models", multiple=True, default=(FLAGSHIP,), show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=60, show_default=True)
@click.option("--instructions/--no-instructions", default=True, help="Count them, emulated.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...], rounds: int, instructions: bool, out: Path, as_json: bool
) -> None:
    """Compare packages with artefacts: time and start here, instructions on an emulated A76."""
    results: dict[str, dict[str, Any]] = {}
    for name in models:
        results[name] = here(name, rounds, out)
        if instructions:
            results[name] |= emulated(name, out)
    if as_json:
        click.echo(json.dumps(results, indent=2))
        return
    for name, found in results.items():
        click.echo(f"{name}: " + ", ".join(f"{what} {value:.6g}" for what, value in found.items()))


def here(name: str, rounds: int, out: Path) -> dict[str, float]:
    """Medians of interleaved CPU times on one thread, and from loading to the first result."""
    artefact, package = compile_for(name, "host", out), package_for(name, "host", out)
    model = HostModel(artefact)
    inputs = seeded_inputs(artefact.manifest["inputs"])
    times: dict[str, list[float]] = {"package": [], "tvm": []}
    with LoadedNetwork(package.library) as network:
        arrays = list(inputs.values())
        results = [aligned_empty(*port) for port in network.outputs.values()]
        runs: dict[str, Callable[[], object]] = {
            "package": lambda: network.run_on(arrays, results),
            "tvm": lambda: model.run(inputs),
        }
        for _ in range(rounds + 1):
            for what, run in runs.items():
                begin = time.thread_time()
                run()
                times[what].append(time.thread_time() - begin)
    ours, theirs = (median(taken[1:]) * 1e3 for taken in times.values())
    starts = {
        f"{what} start (ms)": median(
            float(
                subprocess.run(
                    [sys.executable, "-c", program, str(place)],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(STARTED)
        )
        for (what, program), place in zip(
            STARTS.items(), (package.library, artefact.folder), strict=True
        )
    }
    return {"package (ms)": ours, "tvm (ms)": theirs, "ratio": ours / theirs, **starts}


def emulated(name: str, out: Path) -> dict[str, float]:
    """Instructions of one inference on one thread, and by how much the outputs differ."""
    artefact = compile_for(name, "arm64-a76", out)
    package = package_for(name, "arm64-linux", out.absolute())
    inputs = seeded_inputs(artefact.manifest["inputs"])
    theirs = count_artefact(artefact, inputs)
    bundle = build_bundle()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        program = _program(package, work / "run")
        libraries = f"{package.library.parent.absolute()}:{bundle.folder / 'lib'}"
        loader = [str(bundle.folder / LOADER), "--library-path", libraries]
        run = runner_command(
            program, work, list(inputs.values()), line_counts.RUNS, package.weights
        )
        command = [*loader, *run]
        ours = line_counts.count(command, runner_environment())
        ports = [
            Port(one["name"], tuple(one["shape"]), one["dtype"])
            for one in artefact.manifest["outputs"]
        ]
        results = read_outputs(work, ports)
    return {
        "package instructions": ours.total,
        "tvm instructions": theirs.counts.total,
        "instructions ratio": ours.total / theirs.counts.total,
        "outputs differ by": max(
            float(np.abs(results[one].astype(float) - theirs.outputs[one]).max()) for one in results
        ),
    }


def _program(package: Package, made: Path) -> Path:
    """The program that runs the package's shared library on the C library that TVM runs on."""
    flags = ["-target", get("arm64-linux").triple, "-O2", "-s", f"-I{package.header.parent}"]
    sources = [str(SOURCE), str(programs.SOURCE / "mark.c")]
    return run_zig(["cc", *flags, *sources, str(package.library)], made)


if __name__ == "__main__":
    cli.main(command=main)
