"""A sustained run on a device: taken in a session, and as fields of a record at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bench.sustained.back_to_back import Run, Times, run_back_to_back
from bench.sustained.energy import energy_of
from bench.sustained.session_readings import SessionReadings
from bench.sustained.speed import speed_of
from bench.sustained.telemetry_series import series_of, within
from depthbench.errors import DeviceError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.session import Session
    from android_rpc.telemetry.recorder import Reading

READINGS = 30
READ_EVERY_S = (1.0, 10.0)
"""At least and at most between two readings of clocks, temperatures and battery."""
FETCHES = 10
"""How often these are fetched from the device, in case that it is lost."""


class Sustained:
    """A `run` on a `device`, whose readings are asked for while it lasts."""

    def __init__(self, run: Run, device: Device) -> None:
        self.run = run
        self._device = device
        self._readings: Sequence[Reading] = []
        self._powered_by: set[str] | None = None
        self._own: SessionReadings | None = None
        self._read_at_s = self._fetched_at_s = 0.0

    def take(
        self,
        session: Session,
        times: Times,
        *,
        reads_session: bool = True,
        progress: Progress = lambda line: None,
        on_stretch: Callable[[], None] = lambda: None,
    ) -> None:
        """Run a model that is loaded in `session` back to back until the time is over.

        What was taken stays when that ends early. `on_stretch` is called about every second. With
        `reads_session` a device without a recorder of its own is read through the session, which
        under emulation shows the files of another machine.
        """
        self._note_power()
        if reads_session and not self._device.readings():
            self._own = SessionReadings(session)
        self._ask()
        self.run.began_s = _uptime_s(session)

        def after_a_stretch() -> None:
            self._read()
            left = max(self.run.asked_s - self.run.seconds, 0.0)
            last = self.run.stretches[-1]
            progress(f"{last.busy_ms / last.inferences:.1f} ms an inference, {left:.0f} s to go")
            on_stretch()

        try:
            run_back_to_back(times, self.run, after_a_stretch)
            self._note_power()
        finally:
            self._fetch()

    def fields(self) -> dict[str, Any]:
        """Speed, clocks, temperatures and energy, of at least one inference."""
        placed = within(self.run, self._readings)
        powered_by = None if self._powered_by is None else sorted(self._powered_by)
        batteries = [(seconds, reading.battery) for seconds, reading in placed]
        return {
            "asked_s": self.run.asked_s,
            "seconds": round(self.run.seconds, 6),
            "inferences": self.run.counted,
            "uncounted": self.run.uncounted,
            **speed_of(self.run),
            "telemetry": series_of(placed),
            "energy": energy_of(
                batteries, self.run.seconds, self.run.counted + self.run.uncounted, powered_by
            ),
        }

    def _read(self) -> None:
        """Have the device's readings taken, and now and then fetched."""
        now = self.run.seconds
        least, most = READ_EVERY_S
        if now - self._read_at_s >= min(max(self.run.asked_s / READINGS, least), most):
            self._ask()
            self._read_at_s = now
        if now - self._fetched_at_s >= self.run.asked_s / FETCHES:
            self._fetch()
            self._fetched_at_s = now

    def _ask(self) -> None:
        if self._own:
            self._own.take()
        else:
            self._device.sample()

    def _fetch(self) -> None:
        taken = self._own.taken if self._own else self._device.readings()
        self._readings = list(taken) or self._readings

    def _note_power(self) -> None:
        told = self._device.conditions().get("powered_by")
        if told is not None:
            self._powered_by = (self._powered_by or set()) | set(told)


def _uptime_s(session: Session) -> float | None:
    """The device's own, by which its readings are placed; None where its server does not tell."""
    try:
        return float(session.read_file("/proc/uptime").split()[0])
    except (DeviceError, ValueError, IndexError):
        return None
