"""Compare a package with ONNX Runtime on the file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from compile.check import random_inputs, relative_difference
from compile.host_twin import check_in_precision
from compile.onnx.checked_model import Model, Port
from compile.package.emulated_run import run_emulated
from compile.package.loaded_library import LoadedNetwork
from compile.precision import Precision
from compile.reference import Reference
from depthbench.emulator import CPU_MODEL
from depthbench.errors import CheckFailed, ToolMissing

# Coarse numbers are rounded elsewhere on another machine, and differ from what they differ here by.
COARSE = 2.0


def check_here(source: Model, folder: Path, numbers: Precision) -> dict[str, Any]:
    """The account of a package's library in this process; raises what `check_in_precision` does."""
    library = next((folder / "lib").glob("*.so"))
    with LoadedNetwork(library, weights=_weights(folder)) as network:
        return check_in_precision(source, network.run, "the package's library", numbers)


def check_emulated(
    source: Model,
    outputs: Sequence[Port],
    folder: Path,
    check: dict[str, Any],
    numbers: Precision,
    work: Path,
) -> dict[str, Any] | None:
    """By how much an arm64 package's library differs under emulation; None without QEMU.

    `check` is the account of the same schedules on this machine. Raises CheckFailed where an output
    differs by more than is allowed there.
    """
    inputs = random_inputs(source.inputs)
    library = next((folder / "lib").glob("*.a"))
    header = folder / "include" / "depth.h"
    try:
        results = run_emulated(header, library, _weights(folder), inputs, outputs, work)
    except ToolMissing:
        return None
    expected = Reference(source, "wide" if "as_given" in check else "given").run(inputs)
    exact = not (source.half or source.quantised) and numbers.name == "fp32"
    allowed = check["tolerance"] * (1 if exact else COARSE)
    differences = {
        name: float(relative_difference(results[name], value)) for name, value in expected.items()
    }
    if far := [name for name, one in differences.items() if not one <= allowed]:
        raise CheckFailed(
            f"{source.path}: under emulation, output {far[0]!r} differs from ONNX Runtime by "
            f"{differences[far[0]]:.1e}, relatively; allowed {allowed:.0e}"
        )
    return {
        "where": f"the package's static library on an emulated {CPU_MODEL}",
        "tolerance": allowed,
        "relative_difference": {
            name: one if np.isfinite(one) else None for name, one in differences.items()
        },
    }


def _weights(folder: Path) -> Path | None:
    return next((folder / "lib").glob("*.weights"), None)
