"""The files that say what networks gave when they were last found good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from bench.gates.fingerprint import IMAGE_STAGES
from bench.records.provenance import git_state, tool_versions
from depthbench.errors import InputError

SCHEMA = "depthbench.baseline/1"
SHIPPED = Path(__file__).parent / "accuracy_baseline.json"
WRITE = "write one with --update --reason TEXT"
RESTORE = f"restore it or {WRITE}"


def write_baseline(path: Path, networks: dict[str, Any], reason: str) -> dict[str, Any]:
    """Write a snapshot to `path`, whole or not at all, with date, commit and reason.

    Raises InputError for an empty reason.
    """
    document = {**heading(SCHEMA, reason), "networks": networks}
    write_document(path, document)
    return document


def read_baseline(path: Path) -> dict[str, Any]:
    """Read what `write_baseline` wrote; raises InputError, in one line, for anything else."""
    document = read_document(path, SCHEMA)
    if not networks_are_whole(document.get("networks")):
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE)
    return document


def heading(schema: str, reason: str) -> dict[str, Any]:
    """What every baseline begins with: its schema, date, reason, commit and tools.

    Raises InputError for an empty reason.
    """
    if not reason.strip():
        raise InputError("a new baseline needs a reason", advice="give --update --reason TEXT")
    return {
        "schema": schema,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "reason": " ".join(reason.split()),
        "git": git_state(),
        "tools": tool_versions(),
    }


def read_document(path: Path, schema: str) -> dict[str, Any]:
    """A baseline of this schema; raises InputError, in one line, for anything else."""
    if not path.is_file():
        raise InputError(f"{path}: no such baseline", advice=WRITE)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a baseline, or a damaged one", advice=RESTORE) from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise InputError(f"{path}: schema {found!r}, this version reads {schema!r}", advice=WRITE)
    return document


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a baseline as JSON, whole or not at all; a flat list, as of an image, is one line."""
    from depthbench.files import write_whole

    write_whole(path, (_indented(document) + "\n").encode())


def _indented(value: Any, margin: str = "\n") -> str:
    inner = margin + " "
    if isinstance(value, Mapping) and value:
        rows = [f"{json.dumps(str(key))}: {_indented(each, inner)}" for key, each in value.items()]
        return "{" + inner + f",{inner}".join(rows) + margin + "}"
    if isinstance(value, list) and any(isinstance(each, list | Mapping) for each in value):
        return (
            "[" + inner + f",{inner}".join(_indented(each, inner) for each in value) + margin + "]"
        )
    return json.dumps(value, allow_nan=False)


class _Scored(BaseModel):
    means: dict[str, float]
    images: dict[str, dict[str, list[float]]]


class _Weights(BaseModel):
    origin: dict[str, Any] | None
    sha256: str
    tensors: dict[str, Annotated[list[float], Field(min_length=3, max_length=3)]]


class _Network(BaseModel):
    weights: _Weights
    data: dict[str, dict[str, _Scored]]


def networks_are_whole(networks: Any) -> bool:
    """Whether a snapshot of the accuracy gate has all its parts."""
    from bench.gates.accuracy_gate import METRIC_TOLERANCES

    try:
        read = TypeAdapter(dict[str, _Network]).validate_python(networks, strict=True)
    except ValidationError:
        return False
    scored = [one for net in read.values() for data in net.data.values() for one in data.values()]
    return bool(read) and all(
        one.means.keys() >= METRIC_TOLERANCES.keys()
        and all(image.keys() >= set(IMAGE_STAGES) for image in one.images.values())
        for one in scored
    )
