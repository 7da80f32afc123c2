"""Tasks of the driver end with a line in the log, and fail alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.records.record import Record
from bench.sweep.cell_steps import CellSteps
from bench.sweep.outcome import Outcomes
from bench.sweep.result import Made, keep_records, records_of
from bench.sweep.store import Store
from bench.sweep.sweep import Sweep
from bench.sweep.task import Task, make_task


@pytest.fixture
def task() -> Task:
    return make_task("measure", {"device": "phone"}, where="driver")


@pytest.fixture
def sweep(task: Task, tmp_path: Path) -> Sweep:
    return Sweep({task.key: task}, Store(tmp_path / "store"), tmp_path / "log.jsonl")


def logged(tmp_path: Path) -> dict[str, Any]:
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_task_took_what_it_took_before_it_was_kept(
    sweep: Sweep, task: Task, tmp_path: Path
) -> None:
    sweep.make(task, lambda out: {}, began=time.monotonic() - 1000)
    assert sweep.store.has(task.key)
    assert logged(tmp_path)["seconds"] >= 1000


def test_a_task_that_raises_what_nobody_foresaw_has_failed(
    sweep: Sweep, task: Task, tmp_path: Path
) -> None:
    def fail(out: Path) -> Made:
        raise ValueError("too large for a message")

    sweep.make(task, fail)
    assert sweep.state.status[task.key] == "failed"
    assert logged(tmp_path)["error"].startswith("ValueError: too large")
    assert not sweep.store.has(task.key)


def test_a_measurement_that_is_not_valid_is_taken_again(
    sweep: Sweep, task: Task, tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    noisy = make_record("latency", valid=False, reasons=["the device is hot"])
    quiet = make_record("latency")
    cells: list[Any] = [CellSteps(None, {"measure": task})]  # type: ignore[arg-type]

    def again() -> Sweep:
        found = Sweep({task.key: task}, sweep.store, tmp_path / "log.jsonl")
        found.repeat(Outcomes(cells, found.state, found.store).invalid())
        return found

    sweep.make(task, lambda out: keep_records(out, [noisy]))
    assert again().state.status[task.key] == "waiting"
    assert records_of(sweep.store.folder(task.key))[0]["id"] == noisy["id"]
    again().make(task, lambda out: keep_records(out, [quiet]))
    assert records_of(sweep.store.folder(task.key))[0]["id"] == quiet["id"]
    assert again().state.status[task.key] == "done before"


def test_a_full_disk_ends_the_sweep(sweep: Sweep, task: Task) -> None:
    def fail(out: Path) -> Made:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        sweep.make(task, fail)
