"""What came out of each cell: its figures, what they are of, and what went wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.peers.peer import OURS
from bench.records.record import Record
from bench.records.schema import METRICS
from bench.sweep.cell_steps import CellSteps
from bench.sweep.failed_cell import Failure, failed_cell
from bench.sweep.plan.plan import HOST
from bench.sweep.result import read_model, read_result, records_of
from bench.sweep.store import Store
from bench.sweep.sweep import FINISHED, State
from bench.sweep.task import Task

BYTES_A_MB = 1e6


class Outcomes:
    """The cells of a sweep as far as it has come."""

    def __init__(self, cells: Sequence[CellSteps], state: State, store: Store) -> None:
        self._cells, self._state, self._store = cells, state, store

    def rows(self) -> list[dict[str, Any]]:
        """A row a cell, plain values: see docs/sweep.md."""
        return [self._row(steps)[0] for steps in self._cells]

    def records(self, into: Path) -> list[Record]:
        """All records of the sweep, each once, in the order of the cells, for a file in `into`.

        Those of cells that failed come last.
        """
        found: dict[str, Record] = {}
        for steps in self._cells:
            for kind in ("score", "cost", "measure"):
                task = steps.tasks.get(kind)
                if task and self._has(task):
                    folder = self._store.folder(task.key)
                    for record in records_of(folder):
                        kept = {**record, "model_file": self._file(steps, kind)}
                        if sheet := record.get("sheet"):
                            place = os.path.relpath(folder / sheet["file"], into)
                            kept["sheet"] = {**sheet, "file": place}
                        found.setdefault(record["id"], kept)
        told = [(steps.cell, self._row(steps)[1]) for steps in self._cells]
        failed = [failed_cell(cell, why, len(told)) for cell, why in told if why]
        return [*found.values(), *failed]

    def invalid(self) -> list[str]:
        """The keys of measurements that are not valid: a device may be quieter next time."""
        found = {}
        for steps in self._cells:
            task = steps.tasks.get("measure")
            if task and self._has(task):
                for record in records_of(self._store.folder(task.key)):
                    found[task.key] = record["valid"]
        return [key for key, valid in found.items() if not valid]

    def warnings(self) -> list[str]:
        """What the steps warned of, each once."""
        told: dict[str, None] = {}
        for key in self._state.of_keys(*FINISHED):
            told |= dict.fromkeys(read_result(self._store.folder(key)).get("warnings", []))
        return list(told)

    def _has(self, task: Task) -> bool:
        return self._state.status[task.key] in FINISHED

    def _row(self, steps: CellSteps) -> tuple[dict[str, Any], list[Failure]]:
        row: dict[str, Any] = {
            **steps.cell.values,
            "figures": {},
            "steps": {kind: self._state.status[task.key] for kind, task in steps.tasks.items()},
            "skipped": steps.skipped,
            "keys": {kind: task.key for kind, task in steps.tasks.items()},
        }
        for kind, add in _ADD.items():
            task = steps.tasks.get(kind)
            if task and self._has(task):
                add(row, self._store.folder(task.key))
        wrong: list[Failure] = [*self._errors(steps), *row.pop("wrong", [])]
        waiting = not all(
            status in (*FINISHED, "failed", "not tried") for status in row["steps"].values()
        )
        row["state"] = "failed" if wrong else "not finished" if waiting else "done"
        row["why"] = [f"{step}: {why}" for step, why in wrong]
        return row, wrong

    def _errors(self, steps: CellSteps) -> Iterator[Failure]:
        for kind, task in steps.tasks.items():
            if self._state.status[task.key] == "failed":
                yield kind, self._state.errors[task.key]

    def _file(self, steps: CellSteps, kind: str) -> str | None:
        """The model file from which a record can be had again; None where its name will do."""
        subject, size = steps.cell.subject, steps.cell.size
        quantised = steps.tasks.get("quantise")
        if kind == "score" and quantised:
            return self._stored(quantised)
        if subject.path is not None:
            return os.path.relpath(subject.path)
        return None if subject.is_own(size) else self._stored(steps.tasks["export"])

    def _stored(self, task: Task) -> str:
        return os.path.relpath(read_model(self._store.folder(task.key))[0].path)


def _add_scores(row: dict[str, Any], folder: Path) -> None:
    (record,) = records_of(folder)
    row["figures"] |= {name: record[name] for name in METRICS if record[name] is not None}
    row["accuracy"] = {
        "precision": record["conditions"].get("precision", "fp32"),
        **{name: record[name] for name in ("data", "split", "images", "protocol", "runtime")},
        "weights": record["weights"],
    }


def _add_size(row: dict[str, Any], folder: Path) -> None:
    if row["runtime"] == OURS:
        row["figures"]["mb"] = read_result(folder)["bytes"] / BYTES_A_MB


def _add_cost(row: dict[str, Any], folder: Path) -> None:
    (record,) = records_of(folder)
    ours = row["runtime"] == OURS
    counted: Mapping[str, Any] | None = record if ours else record["peers"].get(row["runtime"])
    if counted is None:
        reasons = {**record["absent"], **record["left_out"], **record["lost"]}
        row["wrong"] = [("cost", reasons.get(row["runtime"], "not counted"))]
        return
    cost = record if ours else counted["cost"]
    row["cost"] = {name: cost[name] for name in ("instructions", "est_cycles")}
    if estimate := counted["estimate"]:
        row["figures"]["ms"] = estimate["milliseconds"]
        row["interval_ms"] = [estimate["low_ms"], estimate["high_ms"]]
        row["ms_of"] = f"estimated, {estimate['core']} at {estimate['clock_ghz']:g} GHz"


def _add_times(row: dict[str, Any], folder: Path) -> None:
    if row["device"] == HOST:
        _add_times_here(row, read_result(folder)["comparison"])
        return
    (record,) = records_of(folder)
    row["label"] = record["label"]
    if not record["valid"]:
        row["wrong"] = [("measure", f"not valid: {'; '.join(record['reasons'])}")]
    elif record["kind"] == "latency" and record["p50_ms"] is not None:
        row["figures"]["ms"] = record["p50_ms"]
        row["interval_ms"] = (record.get("intervals") or {}).get("p50_ms")
        row["ms_of"] = f"{record['label']}, median, {record['device']['name']}"


def _add_times_here(row: dict[str, Any], document: Mapping[str, Any]) -> None:
    found = document["runtimes"].get(row["runtime"])
    if found is None:
        reasons = {**document["absent"], **document["lost"]}
        row["wrong"] = [("measure", reasons.get(row["runtime"], "not timed"))]
        return
    decided = document["decided_by"]
    row["figures"]["ms"] = found[decided]["p50"]
    row["interval_ms"] = None
    what = "CPU time" if decided == "cpu_ms" else "the clock's time"
    row["ms_of"] = f"{what} on this machine, median"


_ADD = {"score": _add_scores, "compile": _add_size, "cost": _add_cost, "measure": _add_times}
