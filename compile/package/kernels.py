"""The machine code of a model's kernels, as object files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvm.relax import VMExecutable


def write_kernels(executable: VMExecutable, folder: Path) -> list[Path]:
    """The object files of the executable's functions: the code that an artefact has."""
    written = []
    for number, module in enumerate(executable.mod.imports):
        written.append(folder / f"kernels{number}.o")
        module.write_to_file(str(written[-1]), "o")
    return written
