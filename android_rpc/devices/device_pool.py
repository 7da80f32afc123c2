"""Which devices may we use, and which of them is free now?

Either our own, each served while it is used, or all devices with one key at a tracker, of which
others have their share.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from android_rpc.devices.device import Device
from android_rpc.devices.tracker_device import RemoteDevice
from depthbench.errors import DeviceError
from depthbench.progress import Progress

# Phones restart in less.
PATIENCE_S = 120.0
CHECK_S = 1.0
FOR_EVER_S = 7 * 24 * 3600.0

WhileWaiting = Callable[[], None]


class Fleet(Protocol):
    """Some devices; `shared` says that others use them too."""

    shared: bool

    def names(self) -> list[str]:
        """The devices that are there now; DeviceError where there is none at all."""
        ...

    def take(self, while_waiting: WhileWaiting) -> Device:
        """A device that is free, as soon as there is one; it is ours until it is given back.

        What `while_waiting` raises, which is called now and then, ends the waiting. Raises
        DeviceError when no device at all was there for two minutes.
        """
        ...

    def give_back(self, device: Device, lost: bool = False) -> None:
        """Makes a device free again; one that was lost, as soon as it is there again."""
        ...


class OwnDevices:
    """Devices on this machine and on its cables."""

    shared = False

    def __init__(self, devices: Sequence[Device]) -> None:
        self._devices = list(devices)
        self._free = list(devices)
        self._lost: list[Device] = []
        self._changed = threading.Condition()

    def names(self) -> list[str]:
        """All of them."""
        return [device.name for device in self._devices]

    def take(self, while_waiting: WhileWaiting) -> Device:
        """See `Fleet.take`."""
        alone_since = time.monotonic()
        while True:
            with self._changed:
                if self._free:
                    return self._free.pop(0)
                used = len(self._lost) < len(self._devices)
                lost = list(self._lost)
                if not lost:
                    self._changed.wait(CHECK_S)
            while_waiting()
            alone_since = time.monotonic() if used else alone_since
            if time.monotonic() - alone_since > PATIENCE_S:
                names = ", ".join(device.name for device in lost)
                raise DeviceError(f"{names}: lost, and not back in {PATIENCE_S:g} s")
            for device in lost:
                if _is_there(device):
                    with self._changed:
                        self._lost.remove(device)
                        self._free.append(device)
            if lost and not self._free:
                time.sleep(CHECK_S)

    def give_back(self, device: Device, lost: bool = False) -> None:
        """See `Fleet.give_back`."""
        with self._changed:
            (self._lost if lost else self._free).append(device)
            self._changed.notify_all()


class DevicesOfTracker:
    """All devices with one key at a tracker; they may come and go."""

    shared = True

    def __init__(
        self,
        specification: str,
        threads: int = 1,
        progress: Progress = lambda line: None,
    ) -> None:
        self._new = lambda: RemoteDevice(specification, threads, progress)
        self._tracker = self._new()

    def names(self) -> list[str]:
        """Those that are registered now; DeviceError when there is none."""
        return sorted(set(self._tracker.devices().values()))

    def take(self, while_waiting: WhileWaiting) -> Device:
        """See `Fleet.take`; others who wait for a device have their turn."""
        import tvm.rpc  # noqa: F401  # takes a moment, and a device waits a moment only

        there_at = time.monotonic()

        def check() -> None:
            nonlocal there_at
            while_waiting()
            try:
                self._tracker.devices()
                there_at = time.monotonic()
            except DeviceError:
                if time.monotonic() - there_at > PATIENCE_S:
                    raise

        while True:
            device = self._new()
            try:
                device.take(FOR_EVER_S, check)
                return device
            except DeviceError:  # the tracker itself may be restarting
                check()
                time.sleep(CHECK_S)

    def give_back(self, device: Device, lost: bool = False) -> None:
        """See `Fleet.give_back`."""
        assert isinstance(device, RemoteDevice)
        device.claim.release()


def _is_there(device: Device) -> bool:
    from android_rpc.devices.adb_phone import AdbPhone

    return not isinstance(device, AdbPhone) or device.adb.connected
