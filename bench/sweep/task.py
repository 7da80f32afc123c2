"""One step of a sweep: what it is, known by its content, and carried out in any process."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, get_args

from bench.sweep.code_version import code_version
from bench.sweep.result import write_result
from depthbench.errors import DepthbenchError, ToolMissing
from depthbench.one_line import one_line
from depthbench.progress import Progress

Kind = Literal["export", "quantise", "compile", "score", "cost", "measure"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which a cell goes through them."""

Where = Literal["any", "driver"]


@dataclass(frozen=True, eq=False)
class Task:
    """A step, as plain values: it can be pickled, and written as JSON.

    `settings` are all that decides the result, but for the results of the tasks whose keys are
    `inputs`, in the order in which the step reads them, and `code`, the version of what computes
    it. The only paths are those of data sets, beside their content. A task goes to `any` worker,
    or stays with the `driver`, where the user's files and devices are.
    """

    kind: Kind
    settings: Mapping[str, Any]
    inputs: tuple[str, ...]
    code: str
    where: Where = "any"

    @cached_property
    def key(self) -> str:
        """SHA-256 of all that decides the result: tasks of one key are the same task."""
        content = [self.kind, self.settings, self.inputs, self.code]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The task as a JSON object."""
        return {
            "kind": self.kind,
            "settings": dict(self.settings),
            "inputs": list(self.inputs),
            "code": self.code,
            "where": self.where,
        }


def make_task(
    kind: Kind, settings: Mapping[str, Any], inputs: tuple[str, ...] = (), where: Where = "any"
) -> Task:
    """The task as this installation of depthbench computes it."""
    return Task(kind, settings, inputs, code_version(kind), where)


def run_task(
    task: Task,
    inputs: Mapping[str, Path],
    out: Path,
    progress: Progress = lambda line: None,
) -> None:
    """Carry out a task of `any` worker, in this process.

    Reads only the folders `inputs`, results by key, and data sets by name; writes only into the
    empty folder `out`. There `result.json` says what was made, and comes last. Raises ToolMissing
    where this installation would compute something else than the one that made the task, and what
    the step raises.
    """
    from bench.sweep.steps import STEPS

    if code_version(task.kind) != task.code:
        raise ToolMissing(
            "this worker has another version of depthbench, or of a package that it uses, than "
            "the sweep's driver",
            advice="install the same on both",
        )
    folders = [inputs[key] for key in task.inputs]
    short = partial(without_folders, folders=[*folders, out])
    try:
        with kept_warnings() as told:
            made = STEPS[task.kind](task.settings, folders, out, lambda line: progress(short(line)))
    except DepthbenchError as error:
        raise DepthbenchError(short(error.message), advice=short(error.advice)) from error
    write_result(out, task.to_json(), {**made, "warnings": [short(line) for line in told]})


def as_told(error: Exception) -> DepthbenchError:
    """An error as the driver is told of it: one that can be pickled, of one line."""
    if isinstance(error, DepthbenchError):
        return DepthbenchError(error.message, advice=error.advice)
    return DepthbenchError(f"{type(error).__name__}: {one_line(error)}")


def without_folders(message: str, folders: Iterable[Path]) -> str:
    """A message without those of results: where they lie here means nothing elsewhere."""
    for folder in folders:
        message = message.replace(f"{folder}{os.sep}", "")
    return message


@contextmanager
def kept_warnings() -> Iterator[list[str]]:
    """The warnings that are logged in the block, which go nowhere else."""
    told: list[str] = []
    root = logging.getLogger()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    others, root.handlers = root.handlers, [Keep(logging.WARNING)]
    try:
        yield told
    finally:
        root.handlers = others
