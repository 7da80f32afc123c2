"""How are the server's parsers compiled for this host?"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from android_rpc.bundle.server_build import SOURCE
from android_rpc.bundle.tvm_wheels import header_folders

HERE = Path(__file__).parent
SEEDS = HERE / "seeds"
# All that reads what others send, which needs no TVM.
PARSERS = (
    *("cpu_list", "cpuinfo", "events", "handshake", "kernel_file", "net", "options", "platform"),
    *("requests", "tracker", "workspace"),
)
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")


def build_parsers(target: Path, compiler: Sequence[str], *sources: Path) -> None:
    """Compiles the server's parsers and other `sources` for this host.

    Raises CalledProcessError; the compiler's words are on stderr.
    """
    files = [*(SOURCE / f"{name}.c" for name in PARSERS), *sources]
    folders = [f"-I{folder}" for folder in (SOURCE, *header_folders())]
    command = [*compiler, *STRICT, *folders, *map(str, files), "-lm", "-o", str(target)]
    subprocess.run(command, check=True)


def build_fuzz_target(target: Path, compiler: Sequence[str], *sources: Path) -> None:
    """Compiles the fuzz target, which has a log of its own, and what calls it."""
    build_parsers(target, (*compiler, "-g"), HERE / "server.c", *sources)
