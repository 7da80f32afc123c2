"""Which tasks a cell is made of, and why it goes without some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bench.compile_service import tuned_files
from bench.peers.peer import OURS
from bench.sweep.code_version import code_version
from bench.sweep.plan.cells import Cell
from bench.sweep.plan.checks import Checked
from bench.sweep.plan.plan import ESTIMATED, HOST
from bench.sweep.plan.subjects import Size, Subject
from bench.sweep.task import Task, make_task

TARGET = "arm64-a76"
UNTRAINED = "no trained weights"


@dataclass
class CellSteps:
    """The tasks of a cell by what they give, in order; `skipped` says why it has no other.

    `scored_in` is the precision that its accuracy is of.
    """

    cell: Cell
    tasks: dict[str, Task] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    scored_in: str = "fp32"


class Tasks:
    """The tasks of a checked plan's cells: what cells share is one task."""

    def __init__(self, checked: Checked) -> None:
        from compile import targets

        self._checked, self._plan = checked, checked.plan
        self._half_here = targets.get("host").has_half
        self._tuned = next(
            (file.read_text(encoding="utf-8") for file in tuned_files(targets.get(TARGET))), None
        )
        beside: defaultdict[Any, list[str]] = defaultdict(list)
        for cell in checked.cells:
            beside[_alike(cell)].append(cell.runtime)
        self._beside = beside
        self._exports: dict[tuple[Subject, Size | None], Task] = {}

    def of_cells(self) -> list[CellSteps]:
        """The steps of each cell."""
        return [self._steps(cell) for cell in self._checked.cells]

    def _steps(self, cell: Cell) -> CellSteps:
        steps = CellSteps(cell)
        of_model = cell.subject, cell.size
        if of_model not in self._exports:  # weights are hashed for it
            self._exports[of_model] = cell.subject.export(cell.size)
        export = steps.tasks["export"] = self._exports[of_model]
        model = export
        if cell.precision == "int8" and not cell.subject.quantised:
            model = steps.tasks["quantise"] = make_task(
                "quantise",
                {
                    **self._checked.calibration.settings,
                    "images": self._plan.calibration.images,
                    "protocol": self._plan.calibration.protocol,
                },
                (export.key,),
            )
        self._add_score(steps, export, model)
        if cell.device == HOST:
            self._add_host_times(steps, model)
            return steps
        compiled = steps.tasks["compile"] = make_task(
            "compile",
            {
                "target": TARGET,
                "precision": cell.precision,
                "threads": cell.threads,
                "tuned": self._tuned,
            },
            (model.key,),
        )
        if cell.device == ESTIMATED:
            steps.tasks["cost"] = self._cost(cell, model, compiled)
        else:
            steps.tasks["measure"] = make_task(
                "measure",
                {
                    "device": cell.device,
                    "threads": cell.threads,
                    "quick": self._plan.measure.quick,
                },
                (model.key, compiled.key),
                where="driver",
            )
        return steps

    def _add_score(self, steps: CellSteps, export: Task, model: Task) -> None:
        """fp16 is scored as this machine computes it, where it can, and else fp32 for it."""
        score, cell = self._plan.score, steps.cell
        if score is None:
            steps.skipped["score"] = "not asked for"
            return
        if not cell.subject.trained:
            steps.skipped["score"] = UNTRAINED
            return
        half = cell.precision == "fp16" and self._half_here
        compiler = {"compiler": code_version("compile")} if half else {}
        steps.scored_in = cell.precision if cell.precision != "fp16" or half else "fp32"
        steps.tasks["score"] = make_task(
            "score",
            {
                **self._checked.data.settings,
                "split": score.split,
                "images": self._checked.images,
                "protocol": score.protocol,
                "runtime": "tvm" if half else "onnxruntime",
                "precision": steps.scored_in,
                **compiler,
            },
            (model.key,),
        )

    def _cost(self, cell: Cell, model: Task, compiled: Task) -> Task:
        from bench.cost.memory.core import CORES

        estimate = self._plan.estimate
        return make_task(
            "cost",
            {
                "core": estimate.core,
                "clock_ghz": estimate.clock_ghz or CORES[estimate.core].clock_ghz,
                "peers": [name for name in self._beside[_alike(cell)] if name != OURS],
            },
            (model.key, compiled.key),
        )

    def _add_host_times(self, steps: CellSteps, model: Task) -> None:
        from compile.host_processor import processor_name

        steps.tasks["measure"] = make_task(
            "measure",
            {
                "device": HOST,
                "processor": processor_name(),
                "runtimes": sorted(self._beside[_alike(steps.cell)]),
                "threads": steps.cell.threads,
                "rounds": self._plan.measure.rounds,
            },
            (model.key,),
            where="driver",
        )


def _alike(cell: Cell) -> Any:
    """What cells share that differ in their runtime alone."""
    return cell.subject.name, cell.size, cell.precision, cell.threads, cell.device


def distinct(cells: Iterable[CellSteps]) -> dict[str, Task]:
    """All tasks by key, each once, those that others need before them."""
    return {task.key: task for steps in cells for task in steps.tasks.values()}
