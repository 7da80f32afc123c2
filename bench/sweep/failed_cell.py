"""A cell that failed as a record, so that the report of a sweep tells of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bench.records.record import Record, new_record
from bench.sweep.plan.cells import Cell
from bench.sweep.plan.plan import OWN
from depthnet.zoo import by

Failure = tuple[str, str]
"""The kind of step, and why it failed."""


def failed_cell(cell: Cell, failures: Sequence[Failure], cells: int) -> Record:
    """The record of one of so many cells."""
    path = cell.subject.path
    return new_record(
        "failed cell",
        {
            "model": cell.subject.name_at(cell.size),
            "model_file": os.path.relpath(path) if path else None,
            "runtime": cell.runtime,
            "device": {"name": cell.device},
            "input_size": list(cell.size) if cell.size else None,
            "conditions": {"precision": cell.precision, "threads": cell.threads},
            "failed": [{"step": step, "why": why} for step, why in failures],
            "cells": cells,
            "command": _command(cell),
        },
    )


def _command(cell: Cell) -> list[str]:
    path = cell.subject.path
    values = {
        **{"model": os.path.relpath(path) if path else cell.subject.name},
        **{"size": by(cell.size) if cell.size else OWN, "precision": cell.precision},
        **{"threads": cell.threads, "runtime": cell.runtime, "device": cell.device},
    }
    words = [word for name, value in values.items() for word in (f"--{name}", str(value))]
    return ["depthbench", "sweep", *words]
