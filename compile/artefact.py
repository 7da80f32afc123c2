"""The folder that a compiled model is: a library, and a manifest that says what it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.files import make_folder, write_whole

SCHEMA = 1
LIBRARY = "model.so"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Artefact:
    """A compiled model on disk, its hashes checked.

    `reused` is true where a compilation found it up to date and did nothing.
    """

    folder: Path
    manifest: dict[str, Any]
    reused: bool = False

    @property
    def library(self) -> Path:
        """The shared library."""
        return self.folder / LIBRARY

    @property
    def sha256(self) -> str:
        """The hash of the library."""
        return str(self.manifest["files"][LIBRARY]["sha256"])


def load_artefact(folder: Path) -> Artefact:
    """Read an artefact folder.

    Raises InputError where it is missing, not an artefact, of another schema, or where a file is
    not what the manifest says.
    """
    file = folder / MANIFEST
    if not file.is_file():
        problem = "has no manifest.json" if folder.is_dir() else "no such folder"
        raise InputError(f"{folder}: not a compiled model ({problem}); compile one first")
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        schema, files = manifest["schema"], manifest["files"]
        expected = {name: entry["sha256"] for name, entry in files.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{file}: not the manifest of a compiled model") from error
    if schema != SCHEMA:
        raise InputError(f"{file}: schema {schema}, this version reads {SCHEMA}; compile again")
    if set(expected) != {LIBRARY}:
        raise InputError(f"{file}: must list {LIBRARY} and nothing else; compile again")
    library = folder / LIBRARY
    if not library.is_file() or sha256_of(library) != expected[LIBRARY]:
        raise InputError(f"{library}: missing, or not the file the manifest names; compile again")
    return Artefact(folder, manifest)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def finish(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Add the library's hash to the manifest and write it beside the library."""
    library = folder / LIBRARY
    files = {LIBRARY: {"sha256": sha256_of(library), "bytes": library.stat().st_size}}
    whole = {"schema": SCHEMA, **manifest, "files": files}
    write_whole(folder / MANIFEST, _as_json(whole))
    return whole


def with_card(artefact: Artefact, card: dict[str, Any] | None) -> Artefact:
    """The same artefact with another card in its manifest."""
    manifest = {**artefact.manifest, "card": card}
    write_whole(artefact.folder / MANIFEST, _as_json(manifest))
    return Artefact(artefact.folder, manifest, reused=True)


def _as_json(manifest: dict[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=2, allow_nan=False) + "\n").encode()


@contextlib.contextmanager
def replacing(
    output: Path,
    may_replace: Callable[[Path], bool] | None = None,
    what: str = "a compiled model",
) -> Iterator[Path]:
    """An empty folder that takes the place of `output` when the block ends well.

    It lies beside `output`, so that it is moved into place whole. On an error or an interrupt
    nothing is left of it and `output` stays as it was. Raises InputError where `output` is a file
    or a folder that it may not replace: one that is not `what`, by default an artefact.
    """
    ours = may_replace or _may_replace
    if output.is_symlink() or (output.exists() and not ours(output)):
        raise InputError(f"{output}: exists and is not {what}; choose another place")
    made = [folder for folder in output.parents if not folder.exists()]
    make_folder(output.parent)
    workplace = None
    try:
        workplace = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
        fresh, old = workplace / "new", workplace / "old"
        fresh.mkdir()
        yield fresh
        if output.exists():
            os.rename(output, old)
        try:
            os.rename(fresh, output)
        except BaseException:
            if old.exists():
                os.rename(old, output)
            raise
    except OSError as error:
        if error.errno and _lies_beside(error.filename, output):
            raise OSError(error.errno, error.strerror, str(output)) from error
        raise
    finally:
        if workplace:
            shutil.rmtree(workplace, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty: it holds the result
            for folder in made:
                folder.rmdir()


def _lies_beside(name: Any, output: Path) -> bool:
    """Whether an error is of the workplace of `output`; a failed write names no file."""
    return name is None or str(name).startswith(str(output.parent / f".{output.name}-"))


def _may_replace(output: Path) -> bool:
    if not output.is_dir():
        return False
    ours = {LIBRARY, MANIFEST, f"{MANIFEST}.part"}  # the last where a writer was killed
    return {entry.name for entry in output.iterdir()} <= ours
