"""What the checks of a phone so far have found out about it."""

from __future__ import annotations

from functools import cached_property

from android_rpc.adb.client import Adb
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.device_state import DeviceState, read_state
from android_rpc.transport import Transport
from depthbench.progress import Progress


class Visit:
    """A phone that is being examined; its `serial` number is known once it has been found."""

    def __init__(self, serial: str | None, progress: Progress = lambda line: None) -> None:
        self.serial = serial
        self.progress = progress

    @cached_property
    def adb(self) -> Transport:
        """The phone, once it has been found."""
        assert self.serial is not None
        return Adb(self.serial)

    @cached_property
    def cores(self) -> list[int]:
        """The cores that a measurement would take."""
        return sysfs.choose_cores(self.adb)

    @cached_property
    def state(self) -> DeviceState:
        """What the phone says of its state, asked for once."""
        return read_state(self.adb)

    @property
    def lost(self) -> bool:
        """Whether there is no phone, or no longer."""
        return self.serial is None or not self.adb.connected
