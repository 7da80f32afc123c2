"""What carries out the tasks of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.sweep.task import Task
from depthbench.errors import DepthbenchError

TRIES = 3
"""A task that has lost so many workers is the likelier cause."""


@dataclass(frozen=True)
class Done:
    """A task that has ended: with a result in `folder`, for the receiver to move, or an `error`.

    `where` names the worker that ended it, and `seconds` is its duration there. `lost` is how
    many workers were lost while they carried it out.
    """

    task: Task
    folder: Path | None
    error: DepthbenchError | None
    where: str
    seconds: float
    lost: int = 0


class Executor(Protocol):
    """Workers somewhere. It is a `Closing`: all end with its `with` block, however that ends.

    It is made with a scratch folder of the driver, on the disk of the store, to put results in. A
    worker that is lost gives its task back to another, up to `TRIES` in all.
    """

    @property
    def slots(self) -> int:
        """How many tasks are carried out at a time."""
        ...

    def submit(self, task: Task, inputs: Mapping[str, Path]) -> None:
        """Have a task of `any` worker carried out; `inputs` are results' folders by key."""
        ...

    def finished(self, timeout_s: float) -> Sequence[Done]:
        """The tasks that have ended since the last call, after waiting up to so long for one."""
        ...

    def under_way(self) -> Mapping[str, str]:
        """Where each task that has begun is, by key, and what it does, as far as that is known."""
        ...
