"""How are the servers' parsers compiled for this host?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from android_rpc.bundle.native_program import SHARED
from android_rpc.bundle.server_build import SOURCE
from android_rpc.bundle.tvm_wheels import header_folders
from android_rpc.demo import demo_program

HERE = Path(__file__).parent
STRICT = ("-std=gnu11", "-Wall", "-Wextra", "-Werror")


def files(folder: Path, *names: str) -> tuple[Path, ...]:
    """The C files of these names in a folder."""
    return tuple(folder / f"{name}.c" for name in names)


@dataclass(frozen=True)
class FuzzTarget:
    """All of a server that reads what others send, what calls it with an input, and its seeds."""

    parsers: tuple[Path, ...]
    folders: tuple[Path, ...]
    main: Path
    seeds: Path

    def build_parsers(self, target: Path, compiler: Sequence[str], *sources: Path) -> None:
        """Compiles the parsers and other `sources` for this host.

        Raises CalledProcessError; the compiler's words are on stderr.
        """
        folders = [f"-I{folder}" for folder in self.folders]
        command = [*compiler, *STRICT, *folders, *_words(self.parsers), *_words(sources)]
        subprocess.run([*command, "-lm", "-o", str(target)], check=True)

    def build(self, target: Path, compiler: Sequence[str], *sources: Path) -> None:
        """Compiles the fuzz target, which has a log of its own, and what calls it."""
        self.build_parsers(target, (*compiler, "-g"), self.main, *sources)


def _words(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]


# The RPC server's need no TVM.
RPC = FuzzTarget(
    parsers=(
        *files(SHARED, "cpu_list", "events", "kernel_file", "net"),
        *files(SOURCE, "cpuinfo", "handshake", "options", "platform"),
        *files(SOURCE, "requests", "tracker", "workspace"),
    ),
    folders=(SOURCE, SHARED, *header_folders()),
    main=HERE / "server.c",
    seeds=HERE / "seeds",
)
# The demo's load no library, and nothing computes.
DEMO = FuzzTarget(
    parsers=(
        *files(SHARED, "cpu_list", "events", "kernel_file", "net"),
        *files(demo_program.SOURCE, "access", "buffer", "compute", "connection", "elf_check"),
        *files(demo_program.SOURCE, "http", "json", "live", "message", "options", "output"),
        *files(demo_program.SOURCE, "page", "packages", "requests", "temperature", "upload"),
        *files(demo_program.SOURCE, "utf8", "websocket", "websocket_accept"),
    ),
    folders=(demo_program.SOURCE, SHARED, demo_program.HEADER.parent),
    main=HERE / "demo_server.c",
    seeds=HERE / "demo_seeds",
)
TARGETS = {"rpc": RPC, "demo": DEMO}
