"""A folder whose manifest lists its files, each with a hash: read, and checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from depthbench.errors import InputError


def read_listed(file: Path, what: str, schema: int, again: str) -> dict[str, Any]:
    """The manifest `file` of a folder that is `what`, whose files are those that it lists.

    Raises InputError where there is none, where it is no such manifest or of another schema than
    `schema`, and where a file lies elsewhere or is not what it says. `again` says what to do then.
    """
    folder = file.parent
    if not file.is_file():
        problem = f"has no {file.name}" if folder.is_dir() else "no such folder"
        raise InputError(f"{folder}: not {what} ({problem})", advice=again)
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found = manifest["schema"]
        files = {name: entry["sha256"] for name, entry in manifest["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{file}: not the manifest of {what}", advice=again) from error
    if found != schema:
        raise InputError(f"{file}: schema {found}, this version reads {schema}", advice=again)
    for name, sha256 in files.items():
        one = folder / name
        if not one.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{file}: lists {name!r}, which is outside of its folder", advice=again
            )
        if not one.is_file() or sha256_of(one) != sha256:
            raise InputError(f"{one}: missing, or not the file the manifest names", advice=again)
    return manifest


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
