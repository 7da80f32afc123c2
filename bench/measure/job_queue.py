"""One queue of artefacts and many devices: each device that is free takes the next."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure.connection import OpenSession, connect
from bench.measure.device_loan import TRIES, on_loan
from bench.records.record import Record
from depthbench import cancellation
from depthbench.errors import DeviceError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.devices.device_pool import DevicePool
    from android_rpc.session import Session
    from bench.measure.latency import Connect
    from compile.artefact import Artefact

# How long a device that has left may stay away while the others have nothing to do.
PATIENCE_S = 120.0
WAKE_S = 0.5
# Before a tracker is asked again, when it gave a device that has done everything.
PAUSE_S = 1.0


@dataclass
class Job:
    """An artefact to be measured, compiled from `source`.

    `devices` are those that have measured it or are about to, and `failed` says why it is not
    tried any more.
    """

    artefact: Artefact
    source: Path
    devices: set[str] = field(default_factory=set)
    lost: int = 0
    failed: str = ""
    error: Exception | None = None


Measure = Callable[[Job, "Device", "Connect"], Record]


def measure_all(
    jobs: Sequence[Job],
    pool: DevicePool,
    measure: Measure,
    *,
    everywhere: bool = False,
    tries: int = TRIES,
    progress: Progress = lambda line: None,
) -> list[Record]:
    """Measure each of `jobs` on the next device that is free, or `everywhere`: on every device.

    `measure` is called in a thread of its own for every job, with what reaches the device. A
    device that is lost gives its job back, for another or for itself when it has returned. What
    fails otherwise, or loses `tries` devices, has `failed` set in the end; the others go on.

    Returns the records, in the order in which they were done. Raises what the devices raise
    where there is none to begin with. Ctrl-C ends all measurements, which keep what they have.
    """
    return _JobQueue(jobs, pool, measure, everywhere, tries, progress).run()


class _NothingLeftError(Exception):
    """There is nothing left to take a device for."""


class _JobQueue:
    def __init__(
        self,
        jobs: Sequence[Job],
        pool: DevicePool,
        measure: Measure,
        everywhere: bool,
        tries: int,
        progress: Progress,
    ) -> None:
        self._jobs = list(jobs)
        self._pool = pool
        self._measure = measure
        self._everywhere = everywhere
        self._tries = tries
        self._progress = progress
        self._changed = threading.Condition()
        self._running: list[threading.Thread] = []
        self._sessions: set[Session] = set()
        self._records: list[Record] = []
        self._names: set[str] = set()
        self._stopping = self._interrupted = False
        self._busy_at = time.monotonic()

    def run(self) -> list[Record]:
        self._names.update(self._pool.names())
        try:
            while self._wait_for_a_job():
                self._take_and_start()
        except BaseException:
            self._stop()
            raise
        return self._records

    def _wait_for_a_job(self) -> bool:
        """Whether there is one to be begun; False when all have ended."""
        with self._changed:
            while not self._open():
                self._check()
                if not self._running:
                    return False
                self._changed.wait(WAKE_S)
        self._check()
        return True

    def _take_and_start(self) -> None:
        def while_waiting() -> None:
            self._check()
            with self._changed:
                if not self._open():
                    raise _NothingLeftError

        try:
            device = self._pool.take(while_waiting)
        except _NothingLeftError:
            return
        except DeviceError as error:
            self._give_up(error)
            return
        with self._changed:
            self._names.add(device.name)
            job = next((job for job in self._jobs if self._is_open(job, device.name)), None)
            if job is not None:
                job.devices.add(device.name)
                self._busy_at = time.monotonic()
                thread = threading.Thread(target=self._run_job, args=(job, device))
                self._running.append(thread)
                thread.start()
                return
            alone = not self._running and time.monotonic() - self._busy_at > PATIENCE_S
        self._pool.give_back(device)
        if alone:
            self._give_up(DeviceError(f"a device has left, and was not back in {PATIENCE_S:g} s"))
        time.sleep(PAUSE_S)

    def _open(self) -> bool:
        """Whether a job is to be begun on some device."""
        return any(self._is_open(job, name) for job in self._jobs for name in self._names)

    def _is_open(self, job: Job, device: str) -> bool:
        if job.failed:
            return False
        return device not in job.devices if self._everywhere else not job.devices

    def _give_up(self, error: Exception) -> None:
        with self._changed:
            for job in self._jobs:
                if any(self._is_open(job, name) for name in self._names):
                    job.failed, job.error = str(error), error

    def _run_job(self, job: Job, device: Device) -> None:
        record = None
        try:
            with on_loan(self._pool, device):
                record = self._measure(job, device, self._connect)
        except KeyboardInterrupt:
            self._interrupted = True
        except Exception as error:
            self._take_down(job, device, error)
        finally:
            with self._changed:
                if record is not None:
                    self._records.append(record)
                self._running.remove(threading.current_thread())
                self._busy_at = time.monotonic()
                self._changed.notify_all()

    def _take_down(self, job: Job, device: Device, error: Exception) -> None:
        lost = isinstance(error, DeviceError)
        with self._changed:
            job.lost += lost
            again = lost and job.lost < self._tries
            if again:
                job.devices.discard(device.name)
            else:
                job.failed, job.error = str(error), error
        if not self._stopping:
            self._progress(f"{error}{'; its artefact goes back into the queue' if again else ''}")

    @contextmanager
    def _connect(self, device: Device, timeout_s: float) -> Iterator[OpenSession]:
        """As `bench.measure.connection.connect`, with sessions that `_stop` can cut short."""
        with connect(device, timeout_s) as open_session:

            @contextmanager
            def open_and_list() -> Iterator[Session]:
                self._check()
                try:
                    with open_session() as session, self._listed(session):
                        yield session
                except DeviceError:
                    if self._stopping:
                        raise KeyboardInterrupt from None
                    raise

            yield open_and_list

    @contextmanager
    def _listed(self, session: Session) -> Iterator[None]:
        """Among those that `_stop` cuts, which one that opens after it would miss."""
        with self._changed:
            if self._stopping:
                raise KeyboardInterrupt
            self._sessions.add(session)
        try:
            yield
        finally:
            with self._changed:
                self._sessions.discard(session)

    def _check(self) -> None:
        """Raise KeyboardInterrupt when the end was asked for, here or from outside."""
        cancellation.check()
        if self._stopping or self._interrupted:
            raise KeyboardInterrupt
        count = len(self._jobs) * (len(self._names) if self._everywhere else 1)
        if count > 1:
            done, running = len(self._records), len(self._running)
            self._progress(f"{done} of {count} done, {running} under way")

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            sessions = list(self._sessions)
        for session in sessions:
            session.cut()
        for thread in list(self._running):
            thread.join()
