"""Pools of devices: which may be used, and which of them is free now.

Those of this machine are served one by one while they are used. Shared ones: `tracker_device`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from android_rpc.devices.device import Device
from depthbench.errors import DeviceError

# Phones restart in less.
PATIENCE_S = 120.0
CHECK_S = 1.0

WhileWaiting = Callable[[], None]


class DevicePool(Protocol):
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


class OwnDevicePool:
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
        """See `DevicePool.take`."""
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
                if device.present:
                    with self._changed:
                        self._lost.remove(device)
                        self._free.append(device)
            if lost and not self._free:
                time.sleep(CHECK_S)

    def give_back(self, device: Device, lost: bool = False) -> None:
        """See `DevicePool.give_back`."""
        with self._changed:
            (self._lost if lost else self._free).append(device)
            self._changed.notify_all()
