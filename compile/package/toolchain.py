"""What packages are made for, and the compiler and linker that make them."""

from __future__ import annotations

import errno
import importlib.util
import os
import platform as this_machine
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compile import targets
from depthbench.errors import InputError, ToolMissing
from depthbench.files import cache_folder
from depthbench.one_line import first_error
from depthbench.processes import run_program
from depthbench.suggest import did_you_mean

SOURCES = Path(__file__).parent / "library"
_FLAGS = (
    *("-std=gnu11", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"),
    "-fno-builtin-bcmp",  # Android has none that memcmp could become
)
# glibc of 2020: that of Debian 11 and Ubuntu 20.04.
_GLIBC, _ANDROID = "linux-gnu.2.31", "linux-android"
LEAST_ROOM = 1 << 20  # bytes that a disk has where it is not full
# Objects are the same for every C library, since they need no system's headers. Atomic instructions
# are compiled in: the functions that choose them at run time are not in every C library.
_NO_LIBC, _ARM64_FLAGS = "linux-none", ("-mno-outline-atomics",)


@dataclass(frozen=True)
class Platform:
    """What a package runs on: a system, and the target that its kernels are compiled for.

    `machine` is its processor's architecture, `system` its kernel and C library, as the linker
    calls them.
    """

    name: str
    target: str
    machine: str
    system: str

    @property
    def is_android(self) -> bool:
        """Whether its C library is Android's."""
        return self.system == _ANDROID

    @property
    def triple(self) -> str:
        """The linker's name of it."""
        return f"{self.machine}-{self.system}"


PLATFORMS = {
    one.name: one
    for one in (
        Platform("arm64-android", "arm64-a76", "aarch64", _ANDROID),
        Platform("arm64-linux", "arm64-a76", "aarch64", _GLIBC),
        Platform("host", "host", this_machine.machine(), _GLIBC),
    )
}


def get(name: str) -> Platform:
    """The platform called `name`; raises InputError with the nearest where there is none."""
    if name not in PLATFORMS:
        advice = did_you_mean(name, PLATFORMS)
        if name in targets.NAMES:
            advice = "for arm64-a76 say arm64-android or arm64-linux"
        raise InputError(f"no packages are made for {name!r}", advice=advice)
    return PLATFORMS[name]


def compile_source(
    source: Path, platform: Platform, made: Path, definitions: Sequence[str] = ()
) -> Path:
    """One C file as the object file `made`; raises ToolMissing with the compiler's first error."""
    flags = ["-target", f"{platform.machine}-{_NO_LIBC}", *_FLAGS, f"-I{SOURCES}"]
    flags += _ARM64_FLAGS if platform.machine == "aarch64" else ()
    if platform.name == "host" and source.stem.startswith("frame_"):
        flags.append("-mcpu=native")  # the kernels, which processor.c speaks for, are as well
    flags += [f"-D{one}" for one in definitions]
    return run_zig(["cc", *flags, "-c", str(source)], made)


def run_zig(words: Sequence[str], made: Path, *, output: bool = True) -> Path:
    """Have ziglang make the file `made`, by the option -o unless not `output`.

    Raises ToolMissing with its first error, OSError where there is no room for the file.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissing("the compiler is missing", advice="pip install ziglang")
    # zig waits without end for a cache folder that it cannot write.
    zig = {
        name: str(cache_folder() / "zig")
        for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
    }
    try:
        run_program(
            [sys.executable, "-m", "ziglang", *words, *(["-o", str(made)] if output else [])],
            f"{made.name} cannot be made with ziglang",
            reason=lambda done: first_error(done.errors),
            environment={**os.environ, **zig},
            folder=made.parent,
        )
    except ToolMissing:
        _check_room(words, made.parent)
        raise
    return made


def _check_room(words: Sequence[str], folder: Path) -> None:
    """Raise OSError where a disk has less room than what a file in `folder` is made of."""
    parts = {*folder.iterdir(), *map(Path, words)}
    needed = sum(part.stat().st_size for part in parts if part.is_file())
    for place in (Path(tempfile.gettempdir()), folder, cache_folder()):
        if place.exists() and shutil.disk_usage(place).free < needed + LEAST_ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))
