"""What the checks of a device so far have found out about it."""

from __future__ import annotations

from functools import cached_property

from android_rpc.devices.native_device import NativeDevice
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.device_state import DeviceState, read_state
from android_rpc.transport import Transport
from depthbench.progress import Progress


class Visit:
    """A device that is being examined; its `reached` transport is known once it was found.

    A board is `opened` then; a phone when a check needs it to be.
    """

    def __init__(self, device: str = "adb", progress: Progress = lambda line: None) -> None:
        self.device = device
        self.progress = progress
        self.reached: Transport | None = None
        self.opened: NativeDevice | None = None

    @property
    def transport(self) -> Transport:
        """The device, once it has been found."""
        assert self.reached is not None
        return self.reached

    @cached_property
    def cores(self) -> list[int]:
        """The cores that a measurement would take."""
        return sysfs.choose_cores(self.transport)

    @cached_property
    def state(self) -> DeviceState:
        """What the device says of its state, asked for once."""
        return read_state(self.transport)

    @property
    def lost(self) -> bool:
        """Whether there is no device, or no longer."""
        return self.reached is None or not self.reached.connected
