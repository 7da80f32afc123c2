"""A tuning trial as an artefact folder, for tools that take nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compile.artefact import Artefact
    from compile.targets import Target


def as_artefact(
    executable: Any,
    machine: Target,
    inputs: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
    folder: Path,
) -> Artefact:
    """Link an executable in `folder`, which is there, without checking what it computes."""
    from compile import artefact
    from compile.lowering import build

    build.write_library(executable, folder / artefact.LIBRARY)
    manifest = {
        "target": {"name": machine.name, "processor": machine.processor},
        "inputs": list(inputs),
        "outputs": list(outputs),
        "threads": machine.threads,
    }
    return artefact.Artefact(folder, artefact.finish(folder, manifest))
