"""The files that say what networks gave when they were last found good."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.gates.fingerprint import IMAGE_STAGES
from bench.records.provenance import git_state, tool_versions
from depthbench.errors import InputError

SCHEMA = "depthbench.baseline/1"
MODEL_SCHEMA = "depthbench.model-baseline/1"
SHIPPED = Path(__file__).parent / "accuracy_baseline.json"
WRITE = "write one with --update --reason TEXT"
RESTORE = f"restore it or {WRITE}"

_NUMBERS = re.compile(r"\[[^][{}]*\]")


class Subject(BaseModel):
    """What a baseline of one's own model is of, and how that is used."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str = Field(description="Its name.")
    operators: str = Field(description="SHA-256 over all that it computes but its weights.")
    card: dict[str, Any]
    protocol: str
    data: str
    split: str
    images: int


def write_baseline(
    path: Path, networks: dict[str, Any], reason: str, subject: Subject | None = None
) -> dict[str, Any]:
    """Write a snapshot to `path`, whole or not at all, with date, commit and reason.

    With a `subject` it is the baseline of one's own model. Raises InputError for an empty reason.
    """
    from depthbench.files import write_whole

    document = heading(MODEL_SCHEMA if subject else SCHEMA, reason)
    if subject:
        document["subject"] = subject.model_dump()
    document["networks"] = networks
    text = json.dumps(document, indent=1, allow_nan=False)
    # A list of numbers is one line, so that a change of one image is one of few lines.
    text = _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    write_whole(path, (text + "\n").encode())
    return document


def read_baseline(path: Path) -> dict[str, Any]:
    """Read what `write_baseline` wrote; raises InputError, in one line, for anything else."""
    document = read_document(path, SCHEMA)
    if not _is_whole(document):
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE)
    return document


def read_model_baseline(path: Path) -> tuple[dict[str, Any], Subject]:
    """Read a baseline of one's own model; raises InputError, in one line, for anything else."""
    document = read_document(path, MODEL_SCHEMA)
    try:
        subject = Subject.model_validate(document.get("subject"))
    except ValidationError as error:
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE) from error
    if not _is_whole(document) or not _is_of(document, subject):
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE)
    return document, subject


def _is_of(document: dict[str, Any], subject: Subject) -> bool:
    """Whether there is one network, on the data and under the protocol of the subject."""
    sections = [network["data"] for network in document["networks"].values()]
    return [{data: list(found) for data, found in one.items()} for one in sections] == [
        {subject.data: [subject.protocol]}
    ]


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


def _is_whole(document: dict[str, Any]) -> bool:
    from bench.gates.accuracy_gate import METRIC_TOLERANCES

    try:
        return bool(document["networks"]) and all(
            all(len(tensor) == 3 for tensor in network["weights"]["tensors"].values())
            and {"origin", "sha256"} <= network["weights"].keys()
            and all(
                section["means"].keys() >= METRIC_TOLERANCES.keys()
                and all(set(image) >= set(IMAGE_STAGES) for image in section["images"].values())
                for protocols in network["data"].values()
                for section in protocols.values()
            )
            for network in document["networks"].values()
        )
    except (KeyError, TypeError, AttributeError):
        return False
