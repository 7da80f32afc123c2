"""Compiles the demo's server, for arm64 or for this machine, and keeps it in the cache."""

from __future__ import annotations

import tempfile
from pathlib import Path

from android_rpc.bundle.native_program import (
    ARM64_TRIPLE,
    HOST_TRIPLE,
    SHARED,
    NativeProgram,
    compiler_version,
)
from depthbench.files import cache_folder, make_folder

NAME = "demo_server"
SOURCE = Path(__file__).parent / "server"
# The interface of the packages that it loads.
HEADER = Path(__file__).parents[2] / "compile" / "package" / "library" / "depth.h"
PROGRAM = NativeProgram(
    "the demo's server", (SOURCE, SHARED), ("-ldl", "-lm", "-lpthread"), headers=(HEADER,)
)


def demo_program(triple: str = ARM64_TRIPLE) -> Path:
    """The compiled server, from the cache or made now; ToolMissing when it cannot be."""
    key = f"{PROGRAM.digest(triple)[:16]}-ziglang-{compiler_version()}"
    program = cache_folder() / "demo" / key / NAME
    if not program.is_file():
        make_folder(program.parent)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=program.parent) as folder:
            PROGRAM.compile(made := Path(folder) / NAME, triple)
            made.rename(program)
    return program


def host_demo_program() -> Path:
    """The server for this machine; see `demo_program`."""
    return demo_program(HOST_TRIPLE)
