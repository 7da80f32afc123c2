"""Worker processes on this machine."""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.runtimes.channel import receive, send
from bench.sweep.executors.executor import TRIES, Done
from bench.sweep.task import Task
from depthbench.closing import Closing
from depthbench.errors import DepthbenchError, RuntimeLost
from depthbench.processes import ChildProcess

MODULE = "bench.sweep.executors.step_worker"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TVM_NUM_THREADS")
LAST_WORDS_S = 2.0


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass
class _Job:
    task: Task
    inputs: Mapping[str, Path]
    lost: int = 0


class _Worker:
    """A process, and the job that it has."""

    def __init__(self, number: int, environment: Mapping[str, str]) -> None:
        self.name = f"worker {number}"
        self.channel, theirs = socket.socketpair()
        try:
            with theirs:
                self.process = ChildProcess(
                    [sys.executable, "-m", MODULE, str(theirs.fileno())],
                    environment,
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            self.channel.close()
            raise
        self.job: _Job | None = None
        self.out = Path()
        self.began = 0.0
        self.line = ""

    def begin(self, job: _Job, out: Path) -> None:
        """Raises OSError where the process has gone."""
        self.job, self.out, self.began, self.line = job, out, time.monotonic(), "beginning"
        send(self.channel, (job.task, dict(job.inputs), out))

    def end(self) -> None:
        self.channel.close()
        self.process.end()


class LocalExecutor(Closing):
    """`workers` processes, which share this machine's cores; `scratch` is for their results.

    They are started when there is work, and end with `close`, and also when this process is killed.
    """

    def __init__(self, workers: int, scratch: Path) -> None:
        self._slots = workers
        self._scratch = scratch
        self._waiting: deque[_Job] = deque()
        self._workers: dict[int, _Worker] = {}
        self._begun = 0
        temporary = scratch / "tmp"  # what a killed worker leaves behind goes with it
        temporary.mkdir()
        threads = str(max(1, cores() // workers))
        self._environment = {
            **os.environ,
            **dict.fromkeys(THREADS, threads),
            "TMPDIR": str(temporary),
        }

    @property
    def slots(self) -> int:
        """See `Executor`."""
        return self._slots

    def submit(self, task: Task, inputs: Mapping[str, Path]) -> None:
        """See `Executor`."""
        self._waiting.append(_Job(task, inputs))
        self._assign()

    def finished(self, timeout_s: float) -> Sequence[Done]:
        """See `Executor`."""
        end = time.monotonic() + timeout_s
        found: list[Done] = []
        while not found:
            found += self._assign()
            busy = {one.channel: number for number, one in self._workers.items() if one.job}
            left = end - time.monotonic()
            if found or left <= 0:
                break
            for channel in select.select(list(busy), [], [], left)[0]:
                found += self._hear(busy[channel])
        return found

    def under_way(self) -> Mapping[str, str]:
        """See `Executor`."""
        return {
            one.job.task.key: f"{one.name}: {one.line}" for one in self._workers.values() if one.job
        }

    def close(self) -> None:
        """End all workers."""
        try:
            for one in self._workers.values():
                one.channel.close()
                one.process.close_input()
        finally:
            while self._workers:
                self._workers.popitem()[1].end()

    def _assign(self) -> list[Done]:
        given_up: list[Done] = []
        for number in range(1, self._slots + 1):
            if not self._waiting:
                break
            if number not in self._workers:
                self._workers[number] = _Worker(number, self._environment)
            worker = self._workers[number]
            if worker.job is None:
                self._begun += 1
                out = self._scratch / str(self._begun)
                out.mkdir()
                try:
                    worker.begin(self._waiting.popleft(), out)
                except OSError:
                    given_up += self._lost(number)
        return given_up

    def _hear(self, number: int) -> list[Done]:
        worker = self._workers[number]
        try:
            message = receive(worker.channel)
        except (EOFError, OSError):
            return self._lost(number)
        if isinstance(message, str):
            worker.line = message
            return []
        return [self._done(worker, message[0])]

    def _done(self, worker: _Worker, error: DepthbenchError | None) -> Done:
        job, seconds = worker.job, time.monotonic() - worker.began
        assert job is not None
        worker.job = None
        folder = None if error else worker.out
        return Done(job.task, folder, error, worker.name, seconds, job.lost)

    def _lost(self, number: int) -> list[Done]:
        """Take a worker's job back; it is done, without a result, when it has lost too many."""
        worker = self._workers.pop(number)
        worker.process.wait(LAST_WORDS_S)
        why = worker.process.why_ended()
        worker.end()
        job = worker.job
        assert job is not None
        job.lost += 1
        if job.lost < TRIES:
            self._waiting.appendleft(job)
            return []
        error = RuntimeLost(f"{job.lost} workers ended in the midst of it, the last by {why}")
        return [self._done(worker, error)]
