"""Run one function on many tasks in a forked process, which may die, hang or grow."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Task = TypeVar("Task")
# What a process leaks is given back after so many tasks.
_TASKS_OF_ONE = 100


def run_forked(
    function: Callable[[Task], Any], tasks: Iterable[Task], *, seconds: int, gigabytes: int
) -> Iterator[tuple[Task, Any, str]]:
    """Each task with its result, or None and what ended the process instead.

    A task may take `seconds`, and the process hold `gigabytes` of address space. What was imported
    before is not imported again.
    """
    worker = None
    try:
        for number, task in enumerate(tasks):
            if worker is None or number % _TASKS_OF_ONE == 0:
                if worker:
                    worker.end()
                worker = _Worker(function, gigabytes)
            result, problem = worker.do(task, seconds)
            if problem:
                worker.end()
                worker = None
            yield task, result, problem
    finally:
        if worker:
            worker.end()


class _Worker:
    def __init__(self, function: Callable[[Any], Any], gigabytes: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(function, theirs, gigabytes))
        self._process.start()
        theirs.close()

    def do(self, task: Any, seconds: int) -> tuple[Any, str]:
        self._pipe.send(task)
        try:
            if self._pipe.poll(seconds):
                return self._pipe.recv(), ""
        except EOFError:
            self._process.join()
            return None, f"its process died (exit code {self._process.exitcode})"
        return None, f"took more than {seconds} s"

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(function: Callable[[Any], Any], pipe: Any, gigabytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (gigabytes * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        pipe.send(function(pipe.recv()))
