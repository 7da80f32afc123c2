"""The folder that a compiled model is: a library, and a manifest that says what it is."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compile.listed_files import read_listed, sha256_of
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
    manifest = read_listed(folder / MANIFEST, "a compiled model", SCHEMA, "compile it")
    if set(manifest["files"]) != {LIBRARY}:
        raise InputError(
            f"{folder / MANIFEST}: must list {LIBRARY} and nothing else", advice="compile it"
        )
    return Artefact(folder, manifest)


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
