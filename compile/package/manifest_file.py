"""package.json: what a package is, and the files it consists of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compile.listed_files import read_listed, sha256_of
from depthbench.errors import InputError
from depthbench.files import write_whole

MANIFEST = "package.json"
SCHEMA = 1
KIND = "depthbench package"


@dataclass(frozen=True)
class Package:
    """A package on disk, the hashes of its files checked.

    `reused` is true where it was found up to date and nothing was done.
    """

    folder: Path
    manifest: dict[str, Any]
    reused: bool = False

    @property
    def library(self) -> Path:
        """The shared library."""
        return self.folder / "lib" / f"lib{self.manifest['library']}.so"

    @property
    def static_library(self) -> Path:
        """The static library."""
        return self.library.with_suffix(".a")

    @property
    def header(self) -> Path:
        """The C header."""
        return self.folder / "include" / "depth.h"

    @property
    def weights(self) -> Path | None:
        """The file of weights; None where they are in the library."""
        file = self.folder / "lib" / f"{self.manifest['library']}.weights"
        return file if file.is_file() else None


def load_package(folder: Path) -> Package:
    """Read a package's folder.

    Raises InputError where it is none, of another schema, or where a file is not what its manifest
    says.
    """
    file, again = folder / MANIFEST, "make the package"
    manifest = read_listed(file, "a package", SCHEMA, again)
    if (kind := manifest.get("kind")) != KIND:
        raise InputError(f"{file}: {kind!r}, this version reads {KIND!r}", advice=again)
    return Package(folder, manifest)


def up_to_date(folder: Path, key: dict[str, Any]) -> Package | None:
    """The package in `folder`, if it is there, whole and of this key."""
    try:
        old = load_package(folder)
    except InputError:
        return None
    if any(old.manifest.get(name) != value for name, value in key.items()):
        return None
    return Package(folder, old.manifest, reused=True)


def is_package(folder: Path) -> bool:
    """Whether a folder may be replaced by a package: it is one, whole or not."""
    try:
        return bool(json.loads((folder / MANIFEST).read_bytes())["kind"] == KIND)
    except (OSError, ValueError, TypeError, KeyError):
        return folder.is_dir() and not any(folder.iterdir())


def write_manifest(folder: Path, identity: dict[str, Any], check: dict[str, Any]) -> dict[str, Any]:
    """Write what the library says of itself, how it was checked, and the files of `folder`."""
    files = {
        str(file.relative_to(folder)): {
            "sha256": sha256_of(file),
            "bytes": file.stat().st_size,
        }
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    whole = {"kind": KIND, "schema": SCHEMA, **identity, "check": check, "files": files}
    content = json.dumps(whole, indent=2, allow_nan=False) + "\n"
    write_whole(folder / MANIFEST, content.encode())
    return whole
