"""The tasks that stay with the driver: the user's files, times on devices and on this machine."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.sweep.cell_steps import CellSteps
from bench.sweep.plan.plan import HOST
from bench.sweep.result import Made, keep_records, read_artefact, read_model
from bench.sweep.sweep import Sweep
from bench.sweep.task import Task, kept_warnings, without_folders
from depthbench.errors import DepthbenchError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from bench.measure.job_queue import Job
    from bench.measure.latency import Connect
    from bench.records.record import Record


def bring_files(sweep: Sweep, cells: Sequence[CellSteps]) -> None:
    """Bring the user's files into the store as ONNX files."""
    for task in sweep.waiting("export"):
        cell = next(one.cell for one in cells if one.tasks["export"].key == task.key)
        _make_alone(sweep, task, partial(cell.subject.bring, cell.size))


def measure_devices(sweep: Sweep, progress: Progress = lambda line: None) -> None:
    """Time artefacts on devices, by a queue for each kind of device and number of threads."""
    queues: defaultdict[tuple[str, int], list[Task]] = defaultdict(list)
    for task in sweep.waiting("measure"):
        if task.settings["device"] != HOST:
            queues[task.settings["device"], task.settings["threads"]].append(task)
    for (device, threads), tasks in queues.items():
        try:
            _measure_queue(sweep, tasks, device, threads, progress)
        except DepthbenchError as error:
            for task in tasks:
                if sweep.state.status[task.key] == "waiting":
                    sweep.fail(task, error)


def _measure_queue(
    sweep: Sweep, tasks: Sequence[Task], device: str, threads: int, progress: Progress
) -> None:
    from android_rpc.devices.factory import open_device_pool
    from bench.measure.job_queue import Job, measure_all
    from bench.measure.latency import measure_on_device
    from bench.measure.request import MeasurementRequest
    from compile.artefact import load_artefact

    pool = open_device_pool((device,), threads, progress)
    jobs = {}
    for task in tasks:
        model, artefact = (sweep.store.folder(key) for key in task.inputs)
        job = Job(load_artefact(read_artefact(artefact)), read_model(model)[0].path)
        jobs[id(job)] = task, job

    def measure(job: Job, device: Device, connect: Connect) -> Record:
        task, _ = jobs[id(job)]
        began = time.monotonic()
        record = measure_on_device(
            MeasurementRequest(job.artefact, job.source, device, quick=task.settings["quick"]),
            progress=progress,
            connect=connect,
        )
        sweep.make(task, lambda out: keep_records(out, [record]), began)
        return record

    measure_all([job for _, job in jobs.values()], pool, measure, progress=progress)
    for task, job in jobs.values():
        if job.failed:
            sweep.fail(task, DepthbenchError(job.failed))


def measure_here(sweep: Sweep, progress: Progress = lambda line: None) -> None:
    """Time runtimes on this machine, one model after the other, when nothing else is going on."""
    for task in sweep.waiting("measure"):
        if task.settings["device"] == HOST:
            _make_alone(sweep, task, partial(_compare, sweep, task, progress))


def _make_alone(sweep: Sweep, task: Task, make: Callable[[Path], Made]) -> None:
    """Carry out a task beside which nothing is done here, and keep what it warns of."""
    folders = [sweep.store.folder(key) for key in task.inputs]

    def made(out: Path) -> Made:
        with kept_warnings() as told:
            result = make(out)
        lines = [without_folders(line, [*folders, out]) for line in told]
        return {**result, "warnings": lines}

    sweep.make(task, made)


def _compare(sweep: Sweep, task: Task, progress: Progress, out: Path) -> Made:
    from bench.measure.runtime_comparison import compare_runtimes

    model, asked = read_model(sweep.store.folder(task.inputs[0]))
    document = compare_runtimes(
        str(model.path),
        out,
        asked=asked,
        runtimes=",".join(task.settings["runtimes"]),
        rounds=task.settings["rounds"],
        threads=task.settings["threads"],
        strict=False,
        progress=progress,
    )
    return {"comparison": document}
