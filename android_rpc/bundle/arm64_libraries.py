"""The arm64 C and C++ libraries, from Debian's packages.

A phone has no glibc, so the bundle brings the loader and the few libraries that TVM's runtime
needs, taken from Debian's cross-compilation packages (any Debian or Ubuntu has them).
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.processes import run_program

LIBRARY_FOLDER = Path("/usr/aarch64-linux-gnu/lib")
LOADER = "ld-linux-aarch64.so.1"
PACKAGES = {
    "libc6-arm64-cross": (LOADER, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"),
    "libstdc++6-arm64-cross": ("libstdc++.so.6",),
    "libgcc-s1-arm64-cross": ("libgcc_s.so.1",),
}


@dataclass(frozen=True)
class Library:
    """An arm64 library of this machine: name in the bundle, file, SHA-256, package."""

    name: str
    file: Path
    sha256: str
    origin: str


def find_libraries(folder: Path = LIBRARY_FOLDER) -> list[Library]:
    """All arm64 libraries that the bundle needs, checked against dpkg's own checksums.

    Where dpkg does not know the packages (not a Debian system) the files are taken as they are:
    the bundle's manifest names their checksums in any case. Raises ToolMissing, with the command
    that installs them, when one is missing, and when one differs from what was installed.
    """
    missing = [
        package
        for package, names in PACKAGES.items()
        if not all((folder / name).is_file() for name in names)
    ]
    if missing:
        raise ToolMissing(
            f"the arm64 libraries are not in {folder}",
            advice=f"sudo apt-get install {' '.join(missing)}",
        )
    libraries = []
    for package, names in PACKAGES.items():
        version, checksums = _dpkg_knows(package)
        for name in names:
            file = (folder / name).resolve()
            content = file.read_bytes()
            _check(file, content, package, checksums)
            origin = f"{package} {version}"
            libraries.append(Library(name, file, hashlib.sha256(content).hexdigest(), origin))
    return libraries


def _check(file: Path, content: bytes, package: str, checksums: dict[str, str]) -> None:
    expected = checksums.get(str(file).lstrip("/"))
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if expected is not None and found != expected:
        raise ToolMissing(
            f"{file} differs from what {package} installed",
            advice=f"sudo apt-get install --reinstall {package}",
        )


def _dpkg_knows(package: str) -> tuple[str, dict[str, str]]:
    """The version of an installed package and the MD5 sums of its files by path."""
    if shutil.which("dpkg-query") is None:
        return "unknown", {}
    version = _dpkg_query("--show", "--showformat=${Version}", package)
    if version is None:
        return "unknown", {}
    sums = _dpkg_query("--control-show", package, "md5sums") or ""
    pairs = (line.split(maxsplit=1) for line in sums.splitlines() if line.strip())
    return version.strip(), {path: digest for digest, path in pairs}


def _dpkg_query(*arguments: str) -> str | None:
    done = run_program(["dpkg-query", *arguments], "dpkg-query", check=False)
    return done.output if done.exit_code == 0 else None
