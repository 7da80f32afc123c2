"""A program in C of ours: its sources, and how ziglang makes it for a phone or for this machine."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.files import cache_folder
from depthbench.one_line import first_error
from depthbench.processes import run_program

SHARED = Path(__file__).parents[1] / "native"
"""What all programs share."""
# Any glibc from 2.31 on can run it; the bundle brings its own.
SYSTEM = "linux-gnu.2.31"
ARM64_TRIPLE = f"aarch64-{SYSTEM}"
HOST_TRIPLE = f"{platform.machine()}-{SYSTEM}"
FLAGS = (
    *("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIE", "-pie", "-s"),
    *("-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"),
    *("-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"),
    "-Wl,-z,max-page-size=65536",  # loads on phones with 4, 16 or 64 KB pages
)


def compiler_version() -> str:
    """The version of the installed ziglang, whose C compiler needs no system compiler."""
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissing("ziglang is not installed", advice="pip install ziglang")
    return importlib.metadata.version("ziglang")


@dataclass(frozen=True)
class NativeProgram:
    """What `folders` hold as `.c` and `.h`, and `headers` that lie elsewhere.

    `title` is what it is called when it does not compile.
    """

    title: str
    folders: tuple[Path, ...]
    libraries: tuple[str, ...]
    flags: tuple[str, ...] = FLAGS
    headers: tuple[Path, ...] = ()

    def digest(self, triple: str = ARM64_TRIPLE) -> str:
        """SHA-256 over the names and contents of the source files and the compiler's flags."""
        digest = hashlib.sha256(repr((triple, self.flags, self.libraries)).encode())
        files = [file for folder in self.folders for file in sorted(folder.glob("*.[ch]"))]
        for file in (*files, *self.headers):
            digest.update(f"{file.name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def compile(
        self, target: Path, triple: str = ARM64_TRIPLE, more_flags: Sequence[str] = ()
    ) -> None:
        """Compiles it to the file `target`; warnings are errors.

        Raises ToolMissing, with the compiler's first error, when it cannot be compiled.
        """
        compiler_version()
        sources = [str(file) for folder in self.folders for file in sorted(folder.glob("*.c"))]
        if not sources:
            advice = "install depthbench again"
            raise ToolMissing(f"{self.title}: its source is missing", advice=advice)
        command = [sys.executable, "-m", "ziglang", "cc", "-target", triple, *self.flags]
        command += more_flags
        command += [f"-I{folder}" for folder in self.folders]
        command += [f"-I{header.parent}" for header in self.headers]
        # zig waits without end for a cache folder that it cannot write.
        zig_cache = str(cache_folder() / "zig")
        run_program(
            [*command, *sources, *self.libraries, "-o", str(target)],
            f"{self.title} does not compile with ziglang",
            reason=lambda done: first_error(done.errors),
            environment={
                **os.environ,
                "ZIG_GLOBAL_CACHE_DIR": zig_cache,
                "ZIG_LOCAL_CACHE_DIR": zig_cache,
            },
            folder=target.parent,
        )
