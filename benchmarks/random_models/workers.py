"""Run one function on many tasks in a forked process, which may die, hang or grow."""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Task = TypeVar("Task")
# What a process leaks is given back after so many tasks.
_TASKS_OF_ONE = 100
# On a busy machine a task takes longer than its processor time, and one that is stuck takes none.
_WALL_TIME = 10


def run_forked(
    function: Callable[[Task], Any], tasks: Iterable[Task], *, seconds: int, gigabytes: int
) -> Iterator[tuple[Task, Any, str]]:
    """Each task with its result, or None and what ended the process instead.

    A task may take `seconds` of processor time and ten times as long on the clock, and the process
    hold `gigabytes` of address space. What was imported before is not imported again.
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
        self._pipe.send((task, seconds))
        try:
            if self._pipe.poll(_WALL_TIME * seconds):
                return self._pipe.recv(), ""
        except EOFError:
            self._process.join()
            if self._process.exitcode == -signal.SIGXCPU:
                return None, f"took more than {seconds} s of processor time"
            return None, f"its process died (exit code {self._process.exitcode})"
        return None, f"took more than {_WALL_TIME * seconds} s"

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(function: Callable[[Any], Any], pipe: Any, gigabytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (gigabytes * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        task, seconds = pipe.recv()
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        pipe.send(function(task))
