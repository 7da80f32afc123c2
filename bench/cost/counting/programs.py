"""Compilation of the native programs that run a model and count what it executes."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from depthbench.emulator import emulator_release
from depthbench.errors import ToolMissing
from depthbench.files import cache_folder, make_folder
from depthbench.one_line import first_error
from depthbench.processes import run_program

SOURCE = Path(__file__).parent / "native"
BLOCK_PLUGIN = SOURCE / "block_plugin.c"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-s")
PHONE_LIBRARY = ("-target", "aarch64-linux-gnu.2.31", "-fPIC", "-Wl,-z,max-page-size=65536")
PHONE = (*PHONE_LIBRARY, "-pie")
HERE = ("-target", f"{platform.machine()}-linux-gnu.2.31")
CHANGED_INTERFACE = (9, 1)  # the release of QEMU in which its plugins' interface changed
PLUGIN = (*HERE, "-fPIC", "-shared", "-fvisibility=hidden")


def counter() -> Path:
    """The program that counts blocks in QEMU's log, for this machine."""
    return compile_program(SOURCE / "count_blocks.c", HERE)


def emulator_plugin(source: Path, emulator: str) -> Path:
    """A plugin for this machine's QEMU `emulator`, of one C file that includes qemu_plugin.h."""
    interface = 1 if emulator_release(emulator) < CHANGED_INTERFACE else 3
    return compile_program(source, (*PLUGIN, f"-DQEMU_PLUGIN_VERSION={interface}"))


def artefact_runner(libraries: Path) -> Path:
    """The program that runs an artefact, for the phone; `libraries` holds TVM's runtime for it."""
    from android_rpc.bundle.tvm_wheels import header_folders

    headers = [f"-I{folder}" for folder in header_folders()]
    tvm = ["-Wl,--allow-shlib-undefined", "-Wl,--no-as-needed", f"-L{libraries}"]
    tvm += ["-ltvm_runtime", "-ltvm_ffi", "-ldl"]
    return compile_program(SOURCE / "run_artefact.c", (*PHONE, *headers), tvm)


def mark_library() -> Path:
    """The library that programs in other languages call to mark inferences, for the phone."""
    return compile_program(SOURCE / "mark.c", (*PHONE_LIBRARY, "-shared"))


def compile_program(
    source: Path, flags: Sequence[str], libraries: Sequence[str] = (), cache: Path | None = None
) -> Path:
    """Compiles one C file with ziglang; the program is kept in the cache, by what it is made of.

    It may include our headers and those beside it. It is named by its content, which is the same
    on every machine: what is counted of it is told by that name.

    Raises ToolMissing, with the compiler's first error, when it cannot be compiled.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise ToolMissing("ziglang is not installed", advice="pip install ziglang")
    words = [*FLAGS, *flags, f"-I{SOURCE}", str(source), *libraries]
    headers = sorted({*SOURCE.glob("*.h"), *source.parent.glob("*.h")})
    contents = [file.read_bytes() for file in (source, *headers)]
    made_of = repr((importlib.metadata.version("ziglang"), words, contents))
    place = (cache or cache_folder()) / "programs" / _short_digest(made_of.encode())
    if found := next(place.glob(f"{source.stem}-*"), None):
        return found
    make_folder(place)
    # zig waits without end for a cache folder that it cannot write.
    zig = {
        name: str(cache_folder() / "zig")
        for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
    }
    with tempfile.TemporaryDirectory(dir=place, prefix=".unfinished-") as folder:
        made = Path(folder) / source.stem
        run_program(
            [sys.executable, "-m", "ziglang", "cc", *words, "-o", str(made)],
            f"{source.name} does not compile with ziglang",
            reason=lambda done: first_error(done.errors),
            environment={**os.environ, **zig},
            folder=Path(folder),
        )
        return made.rename(place / f"{source.stem}-{_short_digest(made.read_bytes())}")


def _short_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
