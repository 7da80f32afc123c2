"""The folder that a task leaves: `result.json`, and beside it what was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.model_card import Asked
from bench.models import Model, load_model
from bench.records.record import Record, append_record, read_records
from depthbench.files import write_whole

RESULT = "result.json"
RECORDS = "records.jsonl"
ARTEFACT = "artefact"
Made = dict[str, Any]


def write_result(out: Path, task: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Write what was to be done and what was made; this comes last, and makes the folder whole."""
    content = {"task": task, **made, "files": _sizes(out)}
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    write_whole(out / RESULT, f"{text}\n".encode())


def is_whole(folder: Path) -> bool:
    """Whether a result is there with all its files, each as long as it was."""
    try:
        files = read_result(folder)["files"].items()
        return all((folder / name).stat().st_size == size for name, size in files)
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.stat().st_size for file in files}


def read_result(folder: Path) -> Made:
    """What was to be done and what was made."""
    result: Made = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return result


def keep_model(model: Model, asked: Asked) -> Made:
    """What a result says of the model that it holds, for `read_model`."""
    shapes = {name: list(shape) for name, shape in model.shapes_given.items()}
    said = {"name": model.name, "file": model.path.name, "sha256": model.sha256}
    return {"model": {**said, "shapes_given": shapes, "card": asked.card}}


def read_model(folder: Path) -> tuple[Model, Asked]:
    """The model that a result holds, and what was said of its use."""
    said = read_result(folder)["model"]
    model = load_model(folder / said["file"], said["name"])
    return replace(model, shapes_given=said["shapes_given"]), Asked(card=said["card"])


def read_artefact(folder: Path) -> Path:
    """The folder of the artefact that a result holds."""
    return folder / str(read_result(folder)[ARTEFACT])


def keep_records(out: Path, records: Sequence[Record]) -> Made:
    """Write records beside the result."""
    for record in records:
        append_record(out / RECORDS, record)
    return {}


def records_of(folder: Path) -> list[Record]:
    """The records of a result; none where it has none."""
    file = folder / RECORDS
    return read_records(file) if file.is_file() else []
