"""The queue of artefacts, with devices that are fakes: they fail, leave and return on order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from android_rpc.devices.device import Device
from android_rpc.devices.device_pool import OwnDevicePool
from bench.measure import job_queue
from bench.measure.device_loan import TRIES
from bench.measure.job_queue import Job, measure_all
from bench.records.record import Record
from compile.artefact import Artefact
from depthbench import cancellation
from depthbench.errors import CheckFailed, DeviceError

WAIT_S = 30


class NamedDevice(Device):
    """A device of which nothing but its name is asked."""

    def __init__(self, name: str) -> None:
        self.name = name


def devices(*names: str) -> OwnDevicePool:
    return OwnDevicePool([NamedDevice(name) for name in names])


@pytest.fixture
def jobs(artefact: Artefact) -> Callable[[int], list[Job]]:
    return lambda count: [Job(artefact, artefact.folder) for _ in range(count)]


def measured(job: Job, device: Any, connect: object) -> Record:
    return {"job": id(job), "device": device.name}


def test_every_job_is_done_once_and_all_devices_at_once(jobs: Callable[[int], list[Job]]) -> None:
    together = threading.Barrier(4, timeout=WAIT_S)

    def measure(job: Job, device: Any, connect: object) -> Record:
        together.wait()
        return measured(job, device, connect)

    queue = jobs(8)
    records = measure_all(queue, devices(*"abcd"), measure)
    assert sorted(record["job"] for record in records) == sorted(map(id, queue))
    assert {record["device"] for record in records} == set("abcd")


def test_everywhere_is_every_job_on_every_device(jobs: Callable[[int], list[Job]]) -> None:
    queue = jobs(3)
    records = measure_all(queue, devices(*"ab"), measured, everywhere=True)
    pairs = {(record["job"], record["device"]) for record in records}
    assert len(records) == 6
    assert pairs == {(id(job), name) for job in queue for name in "ab"}


def test_what_fails_is_told_and_the_others_go_on(jobs: Callable[[int], list[Job]]) -> None:
    queue = jobs(4)

    def measure(job: Job, device: Any, connect: object) -> Record:
        if job is queue[1]:
            raise CheckFailed("depth is not positive")
        return measured(job, device, connect)

    records = measure_all(queue, devices("a"), measure)
    assert sorted(record["job"] for record in records) == sorted(id(queue[n]) for n in (0, 2, 3))
    assert [job.failed for job in queue] == ["", "depth is not positive", "", ""]


def test_an_artefact_that_loses_every_device_is_given_up(jobs: Callable[[int], list[Job]]) -> None:
    queue = jobs(2)
    tries = []

    def measure(job: Job, device: Any, connect: object) -> Record:
        if job is queue[0]:
            tries.append(device.name)
            raise DeviceError("the device closed the connection")
        return measured(job, device, connect)

    (record,) = measure_all(queue, devices("a"), measure)
    assert record["job"] == id(queue[1])
    assert tries == ["a"] * TRIES
    assert queue[0].failed == "the device closed the connection"
    assert isinstance(queue[0].error, DeviceError)


def test_devices_that_do_not_return_end_the_waiting(
    jobs: Callable[[int], list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("android_rpc.devices.device_pool.PATIENCE_S", 0.2)
    monkeypatch.setattr("android_rpc.devices.device_pool.CHECK_S", 0.05)
    monkeypatch.setattr(NamedDevice, "present", False)
    queue = jobs(2)

    def measure(job: Job, device: Any, connect: object) -> Record:
        raise DeviceError("gone")

    assert measure_all(queue, devices("a"), measure) == []
    assert [job.failed for job in queue] == 2 * ["a: lost, and not back in 0.2 s"]


def test_an_interruption_of_the_only_measurement_goes_on(jobs: Callable[[int], list[Job]]) -> None:
    def measure(job: Job, device: Any, connect: object) -> Record:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_all(jobs(1), devices("a"), measure)


@pytest.mark.parametrize("where", ["worker", "signal handler"])
def test_ctrl_c_ends_all_sessions(
    where: str, jobs: Callable[[int], list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread has the interruption, or the whole process; the others end as well."""
    monkeypatch.setattr(cancellation, "_cancelled", False)
    before = threading.active_count()
    began = threading.Barrier(3, timeout=WAIT_S)
    reasons: list[type[BaseException]] = []
    all_in = threading.Event()

    class Session:
        def __init__(self) -> None:
            self.gone = threading.Event()

        def __enter__(self) -> Session:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def cut(self) -> None:
            self.gone.set()

        def use(self) -> None:
            assert self.gone.wait(WAIT_S)
            raise DeviceError("the device closed the connection")

    class Reached:
        def __enter__(self) -> type[Session]:
            return Session

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(job_queue, "connect", lambda device, timeout_s: Reached())

    def measure(job: Job, device: Any, connect: Any) -> Record:
        try:
            with connect(device, 1.0) as open_session, open_session() as session:
                began.wait()
                all_in.set()
                if where == "worker" and device.name == "a":
                    raise KeyboardInterrupt
                session.use()
        except BaseException as error:
            reasons.append(type(error))
            raise
        raise AssertionError("it was not cut")

    def progress(line: str) -> None:
        if where == "signal handler" and all_in.is_set():
            cancellation.cancel()

    with pytest.raises(KeyboardInterrupt):
        measure_all(jobs(5), devices(*"abc"), measure, progress=progress)
    assert reasons == [KeyboardInterrupt] * 3
    assert threading.active_count() == before


class CutSession:
    """A session that opens when it is let, and is used until it is cut."""

    def __init__(self, may_open: threading.Event | None = None) -> None:
        self.opening, self.used, self.cut_off = (threading.Event() for _ in range(3))
        self._may_open = may_open

    def __enter__(self) -> CutSession:
        self.opening.set()
        assert self._may_open is None or self._may_open.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def cut(self) -> None:
        self.cut_off.set()

    def use(self) -> None:
        self.used.set()
        self.cut_off.wait(3)
        raise DeviceError("the device closed the connection")


def test_a_session_that_opens_while_all_are_cut_is_not_used(
    jobs: Callable[[int], list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a command line around it nothing else would end that session."""
    early = CutSession()
    late = CutSession(may_open=early.cut_off)
    sessions = {"early": early, "late": late}

    @contextmanager
    def connect(device: Any, timeout_s: float) -> Iterator[Callable[[], CutSession]]:
        yield lambda: sessions[device.name]

    monkeypatch.setattr(job_queue, "connect", connect)

    def measure(job: Job, device: Any, connect: Any) -> Record:
        if device.name == "interrupted":
            assert early.used.wait(WAIT_S)
            assert late.opening.wait(WAIT_S)
            raise KeyboardInterrupt
        with connect(device, 1.0) as open_session, open_session() as session:
            session.use()
        raise AssertionError("it was not cut")

    with pytest.raises(KeyboardInterrupt):
        measure_all(jobs(3), devices("early", "late", "interrupted"), measure)
    assert early.cut_off.is_set()
    assert not late.used.is_set()
