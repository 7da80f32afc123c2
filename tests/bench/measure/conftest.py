"""A device that is a fake, so that it can be lost, slow, wrong or interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from android_rpc.devices.device import Device
from android_rpc.server_identity import Platform, ServerIdentity
from android_rpc.telemetry.recorder import Reading
from bench.measure.latency import measure_on_device
from bench.measure.request import MeasurementRequest
from bench.records.record import Record
from compile.artefact import Artefact
from depthbench.errors import DeviceError

REQUESTED = {one.name for one in fields(MeasurementRequest)}
PUBLISHED = Path(__file__).parents[3] / "docs" / "record.schema.json"
Compute = Callable[[np.ndarray], np.ndarray]


class FakePhone(Device):
    """A device whose outputs and times are given; it counts what is asked of it."""

    key = "fake"
    listen = "127.0.0.1"

    def __init__(self, compute: Compute, *, emulated: bool, seconds: float = 0.05) -> None:
        self.name = "emulated-fake" if emulated else "fake"
        self.emulated = emulated
        self.compute = compute
        self.seconds = seconds
        self.inferences = 0
        self.sessions_open = self.sessions = self.connections = 0
        self.fail_after: int | None = None
        self.failure: BaseException = KeyboardInterrupt()
        self.clock_khz = 2_600_000
        self.told: list[Reading] = []
        self.powered: list[str] | None = None
        self.platform: Platform = "emulator" if emulated else "hardware"

    def serve(self, tracker: object) -> AbstractContextManager[Any]:
        raise AssertionError("connect is replaced in these tests")

    def prepare(self) -> None:
        raise AssertionError("connect is replaced in these tests")

    def conditions(self) -> dict[str, Any]:
        told = {} if self.powered is None else {"powered_by": self.powered}
        return {"device": self.name, "threads": 1, "cpus": [6], **told}

    @contextmanager
    def connect(self, device: object, timeout_s: float) -> Iterator[Callable[[], Any]]:
        assert device is self
        self.connections += 1
        try:
            yield self.open_session
        finally:
            self.connections -= 1

    @contextmanager
    def open_session(self) -> Iterator[FakePhone]:
        self.sessions += 1
        self.sessions_open += 1
        try:
            yield self
        finally:
            self.sessions_open -= 1

    def identity(self) -> ServerIdentity:
        return ServerIdentity(self.platform, build="fake")

    def readings(self) -> list[Reading]:
        return self.told

    def affinity(self) -> list[int]:
        return [6]

    def read_file(self, path: str) -> str:
        if path.endswith("cpu6/cpufreq/scaling_cur_freq"):
            return f"{self.clock_khz}\n"
        if path == "/proc/uptime":
            return "1000.00 5000.00\n"
        raise DeviceError(f"no such file: {path}")

    def load(self, library: Path) -> FakePhone:
        assert library.read_bytes()
        return self

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        self._infer()
        return [self.compute(inputs["image"])]

    def samples(self, count: int) -> list[float]:
        self._infer()
        times = []
        for number in range(count):
            self._infer()
            times.append(self.seconds * (1 + 0.001 * (number % 100)))
        return times

    def _infer(self) -> None:
        self.inferences += 1
        if self.fail_after is not None and self.inferences > self.fail_after:
            raise self.failure


@pytest.fixture
def emulated(closed_form: Compute) -> FakePhone:
    return FakePhone(closed_form, emulated=True)


@pytest.fixture
def phone(closed_form: Compute) -> FakePhone:
    return FakePhone(closed_form, emulated=False)


@pytest.fixture
def measure(artefact: Artefact, tiny_onnx: Path) -> Callable[..., Record]:
    def run(device: FakePhone, **options: Any) -> Record:
        request = MeasurementRequest(artefact, tiny_onnx, device)
        asked = {name: options.pop(name) for name in REQUESTED if name in options}
        return measure_on_device(replace(request, **asked), connect=device.connect, **options)

    return run


def check_schema(record: Record) -> None:
    """The record as it comes back from a file is one of the published schema."""
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.validate(json.loads(json.dumps(record, allow_nan=False)), schema)
