"""Workers that are killed are replaced, and none outlives its driver."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.models import load_model
from bench.sweep.executors.executor import TRIES, Done
from bench.sweep.executors.local import LocalExecutor
from bench.sweep.plan.subjects import Subject
from bench.sweep.result import records_of, write_result
from bench.sweep.task import Task, make_task

LIMIT_S = 60.0
LONG = 500
"""Images that take a worker longer than any of these tests."""


class Work:
    """An executor, and a tiny model whose scores are its tasks."""

    def __init__(self, executor: LocalExecutor, model: str, folder: Path) -> None:
        self.executor = executor
        self._model, self._folder = model, folder
        self._others = set(psutil.Process().children())

    def submit(self, images: int = 1, data: str = "rooms") -> Task:
        settings: dict[str, Any] = {
            "data": data,
            "content": None,
            "split": "test",
            "images": images,
            "protocol": None,
        }
        settings |= {"runtime": "onnxruntime", "precision": "fp32"}
        task = make_task("score", settings, (self._model,))
        self.executor.submit(task, {self._model: self._folder})
        return task

    def next_done(self) -> Done:
        (done,) = self.executor.finished(LIMIT_S)
        return done

    def guards(self) -> list[psutil.Process]:
        """The executor's own children, without those that other tests left to this process."""
        return [one for one in psutil.Process().children() if one not in self._others]

    def workers(self) -> list[psutil.Process]:
        """Those that score right now: the guards' children."""
        return [one for guard in self.guards() for one in guard.children()]

    def wait_until_scoring(self) -> psutil.Process:
        while not any("scored" in line for line in self.executor.under_way().values()):
            assert not self.executor.finished(0.05)
        (worker,) = self.workers()
        return worker


Start = Callable[..., AbstractContextManager[Work]]


@pytest.fixture
def work(tmp_path: Path, make_model: Callable[..., Path]) -> Start:
    subject = Subject("tiny", load_model(make_model()))
    export, folder = subject.export(None), tmp_path / "model"
    folder.mkdir()
    write_result(folder, export.to_json(), subject.bring(None, folder))

    @contextmanager
    def start(workers: int = 1) -> Iterator[Work]:
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        with LocalExecutor(workers, scratch) as executor:
            yield Work(executor, export.key, folder)

    return start


def test_tasks_are_carried_out_side_by_side(work: Start) -> None:
    with work(2) as started:
        keys = {started.submit(images).key for images in (1, 2, 3)}
        assert len(started.executor.under_way()) == started.executor.slots == 2
        threads = {guard.environ()["OMP_NUM_THREADS"] for guard in started.guards()}
        assert threads == {str(max(1, len(os.sched_getaffinity(0)) // 2))}
        done: list[Done] = []
        while len(done) < 3:
            done += started.executor.finished(LIMIT_S)
        assert {one.task.key for one in done} == keys
        assert {one.where for one in done} <= {"worker 1", "worker 2"}
        for one in done:
            assert one.folder is not None
            (record,) = records_of(one.folder)
            assert record["images"] == one.task.settings["images"]


def test_what_a_task_raises_is_its_error_and_the_worker_goes_on(work: Start) -> None:
    with work() as started:
        started.submit(data="no data")
        done = started.next_done()
        assert done.folder is None
        assert "data set no data: not the files that it had" in str(done.error)
        (before,) = started.workers()
        started.submit()
        assert started.next_done().error is None
        assert started.workers() == [before]


def test_a_killed_worker_gives_its_task_to_another(work: Start) -> None:
    with work() as started:
        task = started.submit(3)
        started.wait_until_scoring().kill()
        done = started.next_done()
    assert (done.task.key, done.error, done.lost) == (task.key, None, 1)


def test_a_task_that_loses_too_many_workers_has_failed(work: Start) -> None:
    with work() as started:
        started.submit(LONG)
        killed: set[psutil.Process] = set()
        while len(killed) < TRIES:
            assert not started.executor.finished(0.05)
            for worker in set(started.workers()) - killed:
                worker.kill()
                killed.add(worker)
        done = started.executor.finished(LIMIT_S)
        assert "3 workers ended in the midst of it, the last by signal 9" in str(done[0].error)
        assert (done[0].folder, done[0].lost) == (None, TRIES)


def test_no_worker_outlives_the_block(work: Start) -> None:
    with work() as started:
        started.submit(LONG)
        worker = started.wait_until_scoring()
        os.kill(worker.pid, signal.SIGSTOP)  # one that hears nothing, too
        inside = [*started.guards(), *started.workers()]
    assert worker in inside
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert not alive
