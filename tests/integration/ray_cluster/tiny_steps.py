"""Steps that stand in for those of a sweep: each says that it ran, and does as it is told."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench.sweep.executors.ray_cluster import RayCluster
from bench.sweep.result import write_result
from bench.sweep.store import Store
from bench.sweep.sweep import Sweep
from bench.sweep.task import Task
from depthbench.errors import InputError

LIMIT_S = 30.0


def tiny(text: str, ran: Path, inputs: tuple[str, ...] = (), **settings: object) -> Task:
    """A task whose runs each write a file `TEXT-PID` to the folder `ran`."""
    return Task("export", {"text": text, "ran": str(ran), **settings}, inputs, "tiny")


def run(task: Task, inputs: Mapping[str, Path], out: Path) -> None:
    """Write the texts of the inputs, and then the task's own, to `text`.

    A run leaves a temporary folder behind, and says which in its file. The first runs kill their
    process, as many as the setting `killed` says; a run ends when there is a file `waits_for`; it
    raises InputError where it `fails`, and KeyError where it is `wrong`.
    """
    settings = task.settings
    ran = Path(settings["ran"])
    before = len(list(ran.glob(f"{settings['text']}-*")))
    left_behind = tempfile.mkdtemp()
    (ran / f"{settings['text']}-{os.getpid()}").write_text(left_behind)
    if before < settings.get("killed", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if settings.get("wrong"):
        raise KeyError("wrong")
    if settings.get("fails"):
        raise InputError("this step fails", advice="ask for another")
    end = time.monotonic() + LIMIT_S
    while settings.get("waits_for") and not Path(settings["waits_for"]).exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    read = [(inputs[key] / "text").read_text() for key in task.inputs]
    (out / "text").write_text("".join([*read, settings["text"]]))
    write_result(out, task.to_json(), {})


def sweep(address: str, folder: Path) -> Sweep:
    """A sweep on a cluster, into `folder`: one step, two that read it, one that reads both.

    The two wait for the file `folder/go`.
    """
    ran = folder / "ran"
    first = tiny("first", ran)
    left, right = (
        tiny(text, ran, (first.key,), waits_for=str(folder / "go")) for text in ("left", "right")
    )
    tasks = [first, left, right, tiny("last", ran, (left.key, right.key))]
    swept = Sweep({task.key: task for task in tasks}, Store(folder / "store"), folder / "log")
    swept.run(lambda scratch: RayCluster(address, scratch, run))
    return swept
