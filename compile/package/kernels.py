"""The machine code of a model's kernels, and the memory that they ask for while they run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from compile.package.plan import aligned
from depthbench.errors import InputError

if TYPE_CHECKING:
    from tvm.relax import VMExecutable

# A call of the runtime's function in LLVM's text: device, its number, bytes, type, bits.
_ALLOCATION = re.compile(
    r"^define |call \w+ %[^ (]+\(i32 1, i32 [^,]+, i64 ([^,]+), i32 \d+, i32 \d+\)", re.MULTILINE
)


def write_kernels(executable: VMExecutable, folder: Path) -> list[Path]:
    """The object files of the executable's functions: the code that an artefact has."""
    written = []
    for number, module in enumerate(executable.mod.imports):
        written.append(folder / f"kernels{number}.o")
        module.write_to_file(str(written[-1]), "o")
    return written


def workspace_bytes(executable: VMExecutable, threads: int, where: str) -> int:
    """What a thread's kernels have at most of memory that they ask the runtime for.

    A kernel holds no more than all that it asks for, and so does what it runs on several threads,
    its own among them. Raises InputError where a size is known only when the kernel runs.
    """
    most = 0
    for module in executable.mod.imports:
        function = 0
        for found in _ALLOCATION.finditer(module.inspect_source("ll")):
            size = found.group(1)
            if size is None:
                function = 0
                continue
            if not size.isdecimal():
                raise InputError(f"{where}: a kernel's memory depends on its input: not packaged")
            function += aligned(int(size))
            most = max(most, function)
    return most if threads == 1 else 2 * most
