"""Carry out the tasks of a sweep: each once, as soon as what it reads is there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.sweep.executors.executor import Done, Executor
from bench.sweep.result import Made, write_result
from bench.sweep.store import Store
from bench.sweep.task import Task, as_told
from depthbench import cancellation
from depthbench.errors import DepthbenchError
from depthbench.files import make_folder

Status = Literal["waiting", "running", "done", "done before", "failed", "not tried"]
FINISHED: tuple[Status, ...] = ("done", "done before")
LOOK_S = 0.25


@dataclass
class State:
    """What has become of each task, by key; `errors` say why one failed or was not tried.

    `under_way` says what is done where right now.
    """

    tasks: Mapping[str, Task]
    status: dict[str, Status] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    under_way: Mapping[str, str] = field(default_factory=dict)

    def of_keys(self, *wanted: Status) -> list[str]:
        """The tasks that are in one of these states, in order."""
        return [key for key, status in self.status.items() if status in wanted]


Show = Callable[[State], None]
MakeExecutor = Callable[[Path], AbstractContextManager[Executor]]


class Sweep:
    """Tasks, in an order in which those that are read come first, and where results are kept.

    A line of the file `journal` is written for each task that ends.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        store: Store,
        journal: Path,
        show: Show = lambda state: None,
    ) -> None:
        self.store = store
        self._journal = journal
        self._show = show
        self.state = State(tasks)
        for key in tasks:
            self.state.status[key] = "done before" if store.has(key) else "waiting"
        self._again: set[str] = set()

    def repeat(self, keys: Iterable[str]) -> None:
        """Do these tasks again; what they gave before stays until they have."""
        for key in keys:
            self._again.add(key)
            self.state.status[key] = "waiting"

    def run(self, make_executor: MakeExecutor) -> None:
        """Carry out the tasks of any worker, until nothing is left that can be.

        A task that fails is noted, and what reads its result is not tried. Raises OSError where
        results cannot be kept, KeyboardInterrupt on Ctrl-C; what was done until then stays.
        """
        if not self._ready():
            return
        with self.store.scratch() as scratch, make_executor(scratch) as executor:
            while True:
                cancellation.check()
                ready, running = self._ready(), self.state.of_keys("running")
                if not ready and not running:
                    break
                for key in ready[: max(0, executor.slots - len(running))]:
                    task = self.state.tasks[key]
                    executor.submit(task, {one: self.store.folder(one) for one in task.inputs})
                    self.state.status[key] = "running"
                self.state.under_way = executor.under_way()
                self._show(self.state)
                for done in executor.finished(LOOK_S):
                    self._end(done)
            self.state.under_way = {}
        self._show(self.state)

    def waiting(self, kind: str) -> list[Task]:
        """The tasks of a kind that are the driver's and can be carried out now."""
        self._settle()
        tasks = self.state.tasks
        return [
            tasks[key]
            for key in self.state.of_keys("waiting")
            if tasks[key].kind == kind and tasks[key].where == "driver"
        ]

    def make(self, task: Task, make: Callable[[Path], Made], began: float | None = None) -> None:
        """Carry out a task of the driver: `make` writes into a folder, and says what it made.

        It may have `began` before, by `time.monotonic`. What it raises is the task's error, but
        for OSError: results cannot be kept.
        """
        began = time.monotonic() if began is None else began
        self.state.status[task.key] = "running"
        self._show(self.state)
        folder, error = None, None
        with self.store.scratch() as scratch:
            out = scratch / "out"
            out.mkdir()
            try:
                write_result(out, task.to_json(), make(out))
                folder = out
            except OSError:
                raise
            except Exception as raised:
                error = as_told(raised)
            seconds = time.monotonic() - began
            self._end(Done(task, folder, error, "driver", seconds))

    def fail(self, task: Task, error: DepthbenchError) -> None:
        """Note that a task of the driver cannot be carried out."""
        self._end(Done(task, None, error, "driver", 0.0))

    def _ready(self) -> list[str]:
        self._settle()
        status, tasks = self.state.status, self.state.tasks
        return [
            key
            for key in self.state.of_keys("waiting")
            if tasks[key].where == "any"
            and all(status[one] in FINISHED for one in tasks[key].inputs)
        ]

    def _settle(self) -> None:
        """Give up what reads the results of tasks that have failed."""
        for key, task in self.state.tasks.items():
            lost = [one for one in task.inputs if self.state.status[one] in ("failed", "not tried")]
            if lost and self.state.status[key] == "waiting":
                self.state.status[key] = "not tried"
                self.state.errors[key] = self.state.errors[lost[0]]

    def _end(self, done: Done) -> None:
        key = done.task.key
        if done.folder is not None:
            self.store.put(key, done.folder, instead=key in self._again)
            self.state.status[key] = "done"
        else:
            self.state.status[key] = "failed"
            self.state.errors[key] = str(done.error)
        self._note(done)
        self._show(self.state)

    def _note(self, done: Done) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "key": done.task.key,
            "kind": done.task.kind,
            "ended": self.state.status[done.task.key],
            "where": done.where,
            "seconds": round(done.seconds, 1),
            "lost": done.lost,
            **({"error": str(done.error)} if done.error else {}),
        }
        make_folder(self._journal.parent)
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
