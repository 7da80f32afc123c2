"""Compiles the native server for arm64."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path

from android_rpc.bundle.tvm_wheels import header_folders
from depthbench.errors import ToolMissing
from depthbench.files import cache_folder
from depthbench.one_line import first_error
from depthbench.processes import run_program

SOURCE = Path(__file__).parents[1] / "server"
# Any glibc from 2.31 on can run it; the bundle brings its own.
TRIPLE = "aarch64-linux-gnu.2.31"
FLAGS = (
    *("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-pie", "-s"),
    *("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"),
    *("-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"),
    *("-rdynamic", "-fvisibility=hidden"),  # the one function of clock.c
    "-Wl,-z,max-page-size=65536",  # loads on phones with 4, 16 or 64 KB pages
)
LIBRARIES = ("-ldl",)


def compiler_version() -> str:
    """The version of the installed ziglang, whose C compiler needs no system compiler."""
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissing("ziglang is not installed", advice="pip install ziglang")
    return importlib.metadata.version("ziglang")


def build_id() -> str:
    """What the server tells its clients of its build: the first 16 digits of `source_digest`."""
    return source_digest()[:16]


def source_digest() -> str:
    """SHA-256 over the names and contents of the server's source files and the compiler's flags."""
    digest = hashlib.sha256(repr((TRIPLE, FLAGS, LIBRARIES)).encode())
    for file in sorted(SOURCE.glob("*.[ch]")):
        digest.update(f"{file.name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def compile_server(target: Path, triple: str = TRIPLE) -> None:
    """Compiles the server to the file `target`; warnings are errors.

    Raises ToolMissing, with the compiler's first error, when it cannot be compiled.
    """
    compiler_version()
    sources = sorted(str(file) for file in SOURCE.glob("*.c"))
    if not sources:
        advice = "install depthbench again"
        raise ToolMissing(f"{SOURCE}: the server's source is missing", advice=advice)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", triple, *FLAGS]
    command.append(f'-DRPC_SERVER_BUILD="{build_id()}"')
    command += [f"-I{folder}" for folder in header_folders()]
    # zig waits without end for a cache folder that it cannot write.
    zig_cache = str(cache_folder() / "zig")
    run_program(
        [*command, *sources, *LIBRARIES, "-o", str(target)],
        "the server does not compile with ziglang",
        reason=lambda done: first_error(done.errors),
        environment={
            **os.environ,
            "ZIG_GLOBAL_CACHE_DIR": zig_cache,
            "ZIG_LOCAL_CACHE_DIR": zig_cache,
        },
        folder=target.parent,
    )
