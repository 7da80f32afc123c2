"""The bundle that goes to the phone: server, TVM's runtime, C library.

A bundle is a folder that runs on any arm64 Linux kernel with nothing installed: the native
server, TVM's runtime, and the C library with its loader. It is assembled on the user's machine
from the sources that `tvm_wheels`, `arm64_libraries` and `server_build` name, and started as

    lib/ld-linux-aarch64.so.1 --library-path lib ./rpc_server ...

Bundles are kept in the cache under a key of everything that goes into them, with a manifest of
their files' checksums, and are verified whenever they are used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from android_rpc.bundle import arm64_libraries, server_build, tvm_wheels
from android_rpc.bundle.native_program import compiler_version
from depthbench.errors import InputError
from depthbench.files import cache_folder, make_folder
from depthbench.progress import Progress

SCHEMA = 1
MANIFEST = "manifest.json"
SERVER = "rpc_server"
LOADER = f"lib/{arm64_libraries.LOADER}"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: its folder, the SHA-256 of its file table, its files by path in it."""

    folder: Path
    sha256: str
    files: dict[str, dict[str, Any]]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry["bytes"] for entry in self.files.values())

    def command(self, folder: str | PurePosixPath | None = None) -> list[str]:
        """The words that start the server of a bundle that lies in `folder`, here or on a phone."""
        at = str(folder if folder is not None else self.folder)
        return [*self.loader(folder), f"{at}/{SERVER}"]

    def loader(self, folder: str | PurePosixPath | None = None) -> list[str]:
        """What starts a program, whose path follows, with the libraries of a bundle in `folder`."""
        at = str(folder if folder is not None else self.folder)
        return [f"{at}/{LOADER}", "--library-path", f"{at}/lib"]


def build_bundle(cache: Path | None = None, progress: Progress = lambda line: None) -> Bundle:
    """The bundle of this version, from the cache or assembled now.

    A bundle appears in the cache whole or not at all; one that was damaged is made again.
    Processes that want the same one at the same time wait for the first of them. Raises
    ToolMissing, in one line that says what to install, when a source of it is not there.
    """
    tvm_wheels.check_installed()
    libraries = arm64_libraries.find_libraries()
    inputs = {
        "schema": SCHEMA,
        "server": server_build.source_digest(),
        "compiler": f"ziglang {compiler_version()}",
        "wheels": {wheel.requirement: wheel.sha256 for wheel in tvm_wheels.WHEELS},
        "libraries": {library.name: library.sha256 for library in libraries},
    }
    key = hashlib.sha256(_canonical(inputs)).hexdigest()[:16]
    bundles = (cache or cache_folder()) / "bundles"
    folder = bundles / key
    if found := _usable(folder):
        return found
    from filelock import FileLock

    make_folder(bundles)
    with FileLock(bundles / ".lock"):  # the kernel gives it back when its holder dies
        if found := _usable(folder):
            return found
        _remove_unfinished(bundles)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=bundles))
        try:
            _assemble(unfinished, inputs, libraries, progress)
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return open_bundle(folder)


def open_bundle(folder: Path) -> Bundle:
    """Opens a bundle and compares every file in it with its manifest.

    Raises InputError when the folder is no bundle, or a file is missing, added or changed.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        files = manifest["files"]
        if manifest["schema"] != SCHEMA or not isinstance(files, dict) or SERVER not in files:
            raise KeyError("schema")
        expected = {path: (entry["sha256"], entry["bytes"]) for path, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a server bundle ({type(error).__name__})") from error
    found = {path: (entry["sha256"], entry["bytes"]) for path, entry in _file_table(folder).items()}
    for path in sorted(expected.keys() | found.keys()):
        if expected.get(path) != found.get(path):
            state = "missing" if path not in found else "changed" if path in expected else "added"
            advice = "remove the folder to build it again"
            raise InputError(f"{folder}: {path} was {state}", advice=advice)
    return Bundle(folder, hashlib.sha256(_canonical(files)).hexdigest(), files)


def bundle_of(folder: Path) -> Bundle:
    """A folder as it is, as what can be installed like a bundle."""
    files = _file_table(folder)
    return Bundle(folder, hashlib.sha256(_canonical(files)).hexdigest(), files)


def _assemble(
    folder: Path,
    inputs: dict[str, Any],
    libraries: list[arm64_libraries.Library],
    progress: Progress,
) -> None:
    lib = folder / "lib"
    lib.mkdir()
    origins = {}
    for library in libraries:
        shutil.copyfile(library.file, lib / library.name)
        origins[f"lib/{library.name}"] = library.origin
    progress("compiling the server")
    server_build.compile_server(folder / SERVER)
    origins[SERVER] = inputs["compiler"]
    for name, wheel in tvm_wheels.fetch_libraries(lib, progress).items():
        origins[f"lib/{name}"] = wheel
    for program in (folder / SERVER, folder / LOADER):
        program.chmod(0o755)
    files = {path: entry | {"origin": origins[path]} for path, entry in _file_table(folder).items()}
    manifest = {"schema": SCHEMA, "inputs": inputs, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    folder.chmod(0o755)


def _file_table(folder: Path) -> dict[str, dict[str, Any]]:
    table = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if path == MANIFEST or (file.is_dir() and not file.is_symlink()):
            continue
        content = file.read_bytes()
        table[path] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    return table


def _usable(folder: Path) -> Bundle | None:
    if not folder.is_dir():
        return None
    try:
        return open_bundle(folder)
    except InputError:
        return None


def _remove_unfinished(bundles: Path) -> None:
    """Removes what killed builders left; only the holder of the lock may."""
    for leftover in bundles.glob(".unfinished-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
