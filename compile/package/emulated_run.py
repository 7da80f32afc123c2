"""Run a package for arm64 under emulation: its static library in a program that needs no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from compile.onnx.checked_model import Port
from compile.package.toolchain import run_zig
from depthbench.emulator import CPU_MODEL, find_emulator
from depthbench.errors import CheckFailed
from depthbench.processes import run_program

SOURCE = Path(__file__).parent / "programs" / "run_package.c"
# Its C library is linked into the program, and has what a package calls in glibc's binary form.
_TRIPLE = "aarch64-linux-musl"
LIMIT_S = 1800.0


def build_runner(header: Path, library: Path, program: Path, more: Sequence[Path] = ()) -> Path:
    """The program `program` that runs the network of a static library, with `more` sources."""
    words = ["cc", "-target", _TRIPLE, "-static", "-O2", "-s", f"-I{header.parent}"]
    return run_zig([*words, str(SOURCE), *map(str, more), str(library)], program)


def runner_command(
    program: Path, folder: Path, inputs: Sequence[np.ndarray], runs: int, weights: Path | None
) -> list[str]:
    """What runs the network so often on `inputs`, which are written into `folder`."""
    for place, array in enumerate(inputs):
        (folder / f"input{place}").write_bytes(array.tobytes())
    return [str(program), str(runs), str(folder), *([str(weights)] if weights else [])]


def read_outputs(folder: Path, ports: Sequence[Port]) -> dict[str, np.ndarray]:
    """What the program left in `folder`."""
    return {
        port.name: np.fromfile(folder / f"output{place}", port.dtype).reshape(port.shape)
        for place, port in enumerate(ports)
    }


def run_emulated(
    header: Path,
    library: Path,
    weights: Path | None,
    inputs: Mapping[str, np.ndarray],
    outputs: Sequence[Port],
    work: Path,
) -> dict[str, np.ndarray]:
    """One inference of an arm64 static library on inputs in the network's order.

    Raises ToolMissing without QEMU, and CheckFailed where the program fails.
    """
    emulator = find_emulator()
    program = build_runner(header, library, work / "run_package")
    command = runner_command(program, work, list(inputs.values()), 1, weights)
    run_program(
        [emulator, "-cpu", CPU_MODEL, *command],
        "the package fails under emulation",
        failure=CheckFailed,
        timeout_s=LIMIT_S,
    )
    return read_outputs(work, outputs)
