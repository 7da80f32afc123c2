"""How are the server's parsers compiled for this host?"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from android_rpc.bundle.native_program import SHARED
from android_rpc.bundle.server_build import SOURCE
from android_rpc.bundle.tvm_wheels import header_folders

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
# All that reads what others send, which needs no TVM.
PARSERS = (
    *(SHARED / f"{name}.c" for name in ("cpu_list", "events", "kernel_file", "net")),
    *(SOURCE / f"{name}.c" for name in ("cpuinfo", "handshake", "options", "platform")),
    *(SOURCE / f"{name}.c" for name in ("requests", "tracker", "workspace")),
)
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")


def build_parsers(target: Path, compiler: Sequence[str], *sources: Path) -> None:
    """Compiles the server's parsers and other `sources` for this host.

    Raises CalledProcessError; the compiler's words are on stderr.
    """
    folders = [f"-I{folder}" for folder in (SOURCE, SHARED, *header_folders())]
    files = map(str, (*PARSERS, *sources))
    command = [*compiler, *STRICT, *folders, *files, "-lm", "-o", str(target)]
    subprocess.run(command, check=True)


def build_fuzz_target(target: Path, compiler: Sequence[str], *sources: Path) -> None:
    """Compiles the fuzz target, which has a log of its own, and what calls it."""
    build_parsers(target, (*compiler, "-g"), HERE / "server.c", *sources)
