"""A sweep from its plan to its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records.record import Record
from bench.report.report import build_report
from bench.report.write import write_report
from bench.sweep.answer import Found, comparable, find_answer
from bench.sweep.canonical import canonical
from bench.sweep.cell_steps import CellSteps, Tasks, distinct
from bench.sweep.driver_tasks import bring_files, measure_devices, measure_here
from bench.sweep.outcome import Outcomes
from bench.sweep.plan.checks import Checked
from bench.sweep.result import RECORDS
from bench.sweep.store import Store
from bench.sweep.sweep import MakeExecutor, Show, Sweep
from bench.sweep.task import Task
from depthbench.files import write_whole
from depthbench.progress import Progress

SCHEMA = "depthbench.sweep/1"
STORE = "sweep"
REPORTS = ("report.html", "report.md")


@dataclass(frozen=True)
class Session:
    """The cells of a checked plan, their tasks by key, and where results go.

    Those of tasks go to `out/sweep`, which all sweeps share, what is told of this one to `folder`.
    """

    checked: Checked
    cells: list[CellSteps]
    tasks: dict[str, Task]
    store: Store
    folder: Path

    def sweep(self, show: Show = lambda state: None) -> Sweep:
        """The tasks as they stand; measurements that are not valid are to be taken again."""
        sweep = Sweep(self.tasks, self.store, self.folder / "log.jsonl", show)
        sweep.repeat(Outcomes(self.cells, sweep.state, self.store).invalid())
        return sweep

    def document(self, sweep: Sweep) -> dict[str, Any]:
        """What has come of it so far, as plain values."""
        rows = Outcomes(self.cells, sweep.state, self.store).rows()
        return {"schema": SCHEMA, "cells": rows, "answers": self._answers(rows)}

    def warnings(self, sweep: Sweep) -> list[str]:
        """What steps warned of, each once."""
        return Outcomes(self.cells, sweep.state, self.store).warnings()

    def _answers(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One for each device: times on several are not compared, nor are times of two kinds."""
        asked = self.checked.plan.answer
        if asked is None:
            return []
        answers = []
        for device in dict.fromkeys(row["device"] for row in rows):
            done = [row for row in rows if row["device"] == device and row["state"] == "done"]
            alike = comparable(done, asked)
            for ms_of, group in alike.items():
                told = {"device": device, "ms_of": ms_of if len(alike) > 1 else None}
                answers.append(
                    {**told, "asked": asked.model_dump(), **_told(find_answer(group, asked))}
                )
        return answers

    def report(self, sweep: Sweep) -> list[Path]:
        """Write the records, the report, and the results that do not change; the files."""
        records = Outcomes(self.cells, sweep.state, self.store).records(self.folder)
        lines = "".join(json.dumps(record, allow_nan=False) + "\n" for record in records)
        write_whole(self.folder / RECORDS, lines.encode())
        write_whole(self.folder / "canonical.json", canonical(self.tasks.values(), self.store))
        return [self.folder / RECORDS, *(self._reports(records) if records else [])]

    def _reports(self, records: list[Record]) -> list[Path]:
        document = build_report(records)
        for name in REPORTS:
            write_report(document, self.folder / name, [self.folder])
        return [self.folder / name for name in REPORTS]


def open_session(checked: Checked, out: Path, folder: Path) -> Session:
    """A session of a checked plan; nothing is written yet."""
    cells = Tasks(checked).of_cells()
    return Session(checked, cells, distinct(cells), Store(out / STORE), folder)


def carry_out(
    session: Session,
    make_executor: MakeExecutor,
    show: Show = lambda state: None,
    progress: Progress = lambda line: None,
) -> tuple[Sweep, list[Path]]:
    """Do what is left of a session, then write its report; how it ended, and the files written.

    Workers export, compile, score and count; when they have ended, devices are timed, and then
    this machine, so that nothing runs beside it. Raises what `Sweep.run` does.
    """
    sweep = session.sweep(show)
    bring_files(sweep, session.cells)
    sweep.run(make_executor)
    measure_devices(sweep, progress)
    measure_here(sweep, progress)
    return sweep, session.report(sweep)


def _told(found: Found) -> dict[str, Any]:
    names = ("model", "size", "precision", "threads", "runtime", "device", "figures")
    more = ("interval_ms", "ms_of", "accuracy")

    def short(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return {name: row[name] for name in (*names, *more) if name in row} if row else None

    return {
        "best": short(found.best),
        "nearest": short(found.nearest),
        "missed": [
            {"figure": name, "value": value, "limit": limit} for name, value, limit in found.missed
        ],
        "without": found.without,
    }
