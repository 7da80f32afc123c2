"""Link an object file into a shared library that needs nothing but the runtime that loads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.processes import run_program

# Android 15 refuses libraries whose segments are aligned to less than 16 KiB; 64 KiB suits
# every arm64 kernel.
_FLAGS = ("-shared", "-z", "max-page-size=65536", "-z", "noexecstack", "--build-id=none", "-s")


def link(objects: list[Path], library: Path) -> None:
    """Link `objects`, all of one architecture, into `library`.

    LLVM's linker takes the architecture from the objects, and is run bare: `zig cc` would need a
    cache folder that it can write. The library has no NEEDED entry: what it calls (memory and
    math functions, TVM's runtime) is found in the process that loads it. Raises ToolMissing where
    the linker is not installed and RuntimeError, in one line, where it fails.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissing("the linker is missing: pip install ziglang")
    command = [sys.executable, "-m", "ziglang", "ld.lld", *_FLAGS]
    command += ["-o", str(library), *map(str, objects)]
    run_program(command, f"linking {library.name} failed", failure=RuntimeError)
