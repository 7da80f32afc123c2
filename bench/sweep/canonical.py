"""What of a sweep's results is the same however often and wherever it is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.records.record import Record
from bench.sweep.result import RESULT, read_result, records_of
from bench.sweep.store import Store
from bench.sweep.task import Task

MOMENTARY = ("id", "time", "seconds", "model_file", "sheet")
"""Of a record: which one it is, when it was made, how long that took, where a file lay, and the
picture, which is drawn with the machine's fonts."""

MADE = ("export", "quantise", "compile")
"""The kinds of task whose files are their result."""

NOT_MADE = ("task", "warnings", "files")
"""Of a result: what stands beside what was made."""

SURROUNDINGS = ("host", "git")
"""Of a record's conditions: the machine, its load and its clocks, and the state of the checkout.

The code that decides a result is in its task."""


def canonical(tasks: Iterable[Task], store: Store) -> bytes:
    """The results that are there of tasks, as JSON: equal for equal results, to the byte.

    By key: what was to be done, the SHA-256 of each file that was made, and the records without
    what is of the moment. Measured times are left out whole, and so are warnings.
    """
    found = {
        task.key: {"task": task.to_json(), **_content(task, store.folder(task.key))}
        for task in sorted(tasks, key=lambda task: task.key)
        if task.kind != "measure" and store.has(task.key)
    }
    return (json.dumps(found, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def _content(task: Task, folder: Path) -> dict[str, Any]:
    files = (
        sorted(file for file in folder.rglob("*") if file.is_file()) if task.kind in MADE else []
    )
    made = read_result(folder)
    return {
        "made": {key: value for key, value in made.items() if key not in NOT_MADE},
        "files": {
            str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
            if file.name != RESULT
        },
        "records": [_lasting(record) for record in records_of(folder)],
    }


def _lasting(record: Record) -> Record:
    conditions = {k: v for k, v in record["conditions"].items() if k not in SURROUNDINGS}
    kept = {key: value for key, value in record.items() if key not in MOMENTARY}
    return {**kept, "conditions": conditions}
