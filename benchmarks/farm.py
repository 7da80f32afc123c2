"""Wall time of a queue of artefacts on several phones of one tracker, against one phone.

python benchmarks/farm.py [--phones N] [--artefacts N] [--pause S] [--repeats N] [--json]
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import onnx
import psutil
from onnx import TensorProto, helper, numpy_helper

from android_rpc.bundle.bundle import Bundle, build_bundle
from android_rpc.devices.device import Device
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.devices.tracker_device import TrackerDevice, TrackerDevicePool
from android_rpc.remote_model import RemoteModel
from android_rpc.session import Session
from android_rpc.tracker.tracker import Tracker
from bench import cli
from bench.measure.connection import OpenSession
from bench.measure.job_queue import Job, measure_all
from bench.measure.latency import Connect, measure_on_device
from bench.measure.request import MeasurementRequest
from bench.records.record import Record
from compile.artefact import Artefact
from compile.pipeline import compile_model

SIZE, CHANNELS = 112, 32
NOTE = (
    "emulated phones share this machine's cores: more of them than cores gain only what sessions "
    "wait for (opening, upload, pauses), while phones compute by themselves; a pause before each "
    "session stands for the cool-down of a phone"
)


@click.command()
@click.option("--phones", type=click.IntRange(min=2), default=4, show_default=True)
@click.option("--artefacts", type=click.IntRange(min=1), default=8, show_default=True)
@click.option(
    "--pause",
    type=click.FloatRange(0, 4),
    default=3.0,
    show_default=True,
    help="Seconds before each session, as a phone cools down, in the second comparison.",
)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(phones: int, artefacts: int, pause: float, repeats: int, as_json: bool) -> None:
    """Measure small networks in the quick way, in turns on one phone and on all, with and without
    pauses; every artefact exactly once a time. Wall times are medians, and their ratio.
    """
    with tempfile.TemporaryDirectory() as folder, Tracker() as tracker, ExitStack() as stack:
        made = [make_artefact(Path(folder), number) for number in range(artefacts)]
        bundle = build_bundle()
        keys = {"one": "emulated-one", "all": "emulated-all"}
        stack.enter_context(serving(bundle, tracker, [keys["one"]] + phones * [keys["all"]]))
        comparisons = {}
        for name, seconds in (("no_pause", 0.0), ("pause", pause)):
            runs = [
                {which: run(made, tracker, key, seconds) for which, key in keys.items()}
                for _ in range(repeats)
            ]
            one, many = (median(each[which]["wall_s"] for each in runs) for which in keys)
            comparisons[name] = {
                "pause_s": seconds,
                "speed_up": round(one / many, 2),
                "one_wall_s": one,
                "all_wall_s": many,
                "runs": runs,
            }
            if not as_json:
                click.echo(describe(phones, artefacts, comparisons[name]))
    if as_json:
        document = {
            "phones": phones,
            "artefacts": artefacts,
            "cores": len(os.sched_getaffinity(0)),
            "repeats": repeats,
            "loadavg_1min": round(os.getloadavg()[0], 2),
            "emulated": True,
            **comparisons,
            "note": NOTE,
        }
        click.echo(json.dumps(document, indent=2))


def describe(phones: int, artefacts: int, found: dict[str, Any]) -> str:
    """One line of a comparison."""
    computing = median(each["one"]["computing_share"] for each in found["runs"])
    return (
        f"{artefacts} artefacts, pauses of {found['pause_s']:g} s: {found['one_wall_s']:.1f} s on "
        f"one emulated phone, {found['all_wall_s']:.1f} s on {phones} ({found['speed_up']:.2f} "
        f"times as fast) with {len(os.sched_getaffinity(0))} cores; of the time on one phone "
        f"{computing:.0%} was computing, the rest waiting"
    )


@dataclass
class Clock:
    """Seconds of all measurements together, by what they were spent on."""

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def count(self, what: str) -> Iterator[None]:
        """Adds the seconds of the block."""
        start = time.monotonic()
        try:
            yield
        finally:
            with self.lock:
                self.spent[what] += time.monotonic() - start


def run(made: list[Artefact], tracker: Tracker, key: str, pause: float) -> dict[str, Any]:
    """Measure all artefacts on the phones with this key."""
    clock = Clock()

    def measure(job: Job, device: Device, connect: Connect) -> Record:
        with clock.count("measuring"):
            return measure_on_device(
                MeasurementRequest(job.artefact, job.source, device),
                connect=timed(connect, clock, pause),
            )

    jobs = [Job(one, one.folder.parent / one.manifest["source"]["file"]) for one in made]
    pool = TrackerDevicePool(TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{key}"))
    cpu, start = cpu_seconds(), time.monotonic()
    records = measure_all(jobs, pool, measure)
    wall, cpu = time.monotonic() - start, cpu_seconds() - cpu
    names = sorted(record["model"] for record in records)
    if names != sorted(one.manifest["name"] for one in made):
        raise click.ClickException(f"measured were {names}, not every artefact exactly once")
    if invalid := [record["reasons"] for record in records if not record["valid"]]:
        raise click.ClickException(f"invalid: {invalid[0]}")
    by_device: defaultdict[str, int] = defaultdict(int)
    for record in records:
        by_device[record["device"]["name"]] += 1
    spent = clock.spent
    waiting = spent["pausing"] + spent["opening a session"] + spent["upload and load"]
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "cpu_share_of_cores": round(cpu / wall / len(os.sched_getaffinity(0)), 3),
        "computing_share": round(1 - waiting / spent["measuring"], 3),
        "seconds_of_all_measurements": {
            "pausing": round(spent["pausing"], 2),
            "opening a session": round(spent["opening a session"], 2),
            "upload and load": round(spent["upload and load"], 2),
            "computing": round(spent["measuring"] - waiting, 2),
        },
        "artefacts_by_phone": dict(sorted(by_device.items())),
    }


class CountedLoads:
    """A session whose loading of models is counted."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session, self._clock = session, clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def load(self, library: Path) -> RemoteModel:
        """See `Session.load`."""
        with self._clock.count("upload and load"):
            return self._session.load(library)


def timed(connect: Connect, clock: Clock, pause: float) -> Connect:
    """`connect` with a pause before each session, and the seconds that pass counted."""

    @contextmanager
    def connect_timed(device: Device, timeout_s: float) -> Iterator[OpenSession]:
        with connect(device, timeout_s) as open_session:

            @contextmanager
            def open_timed() -> Iterator[Any]:
                with clock.count("pausing"):
                    time.sleep(pause)
                with ExitStack() as stack:
                    with clock.count("opening a session"):
                        session = stack.enter_context(open_session())
                    yield CountedLoads(session, clock)

            yield open_timed

    return connect_timed


def cpu_seconds() -> float:
    """CPU time of this process and of all that it started, sessions that have ended included."""
    me = psutil.Process()
    living = [me, *me.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in living) + sum(
        sum(process.cpu_times()[2:4]) for process in living[1:]
    )


@contextmanager
def serving(bundle: Bundle, tracker: Tracker, keys: list[str]) -> Iterator[None]:
    """An emulated phone for each of `keys`."""
    with ExitStack() as stack:
        for number, key in enumerate(keys):
            phone = EmulatedPhone(bundle)
            phone.key, phone.name = key, f"emulated-a76-{number}"
            stack.enter_context(phone.serve(tracker))
        yield


def make_artefact(folder: Path, number: int) -> Artefact:
    """Three convolutions of an image of 112x112, 127 M multiply-adds."""
    random = np.random.default_rng(number)
    shapes = {"a": (CHANNELS, 3, 3, 3), "b": (CHANNELS, CHANNELS, 3, 3), "c": (1, CHANNELS, 1, 1)}
    weights = [
        numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "a"], ["x"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("Conv", ["y", "b"], ["z"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["z", "c"], ["depth"]),
    ]
    shape = [1, 3, SIZE, SIZE]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *shape[2:]])],
        weights,
    )
    path = folder / f"net{number}.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return compile_model(path, "arm64-a76", folder / f"net{number}-arm64-a76")


if __name__ == "__main__":
    cli.main(command=main)
