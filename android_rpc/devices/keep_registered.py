"""Keeps a device of this machine registered at a tracker that others use."""

from __future__ import annotations

import time
from collections.abc import Callable

from android_rpc.devices.device import Device
from android_rpc.tracker.tracker import AnyTracker
from depthbench.errors import DeviceError

CHECK_S = 2.0
# Servers register again by themselves when the tracker was restarted.
ABSENT_S = 15.0
RETRY_S = 2.0


def keep_registered(
    device: Device,
    tracker: AnyTracker,
    served: Callable[[], None],
    lost: Callable[[str], None],
) -> None:
    """Serves `device` at `tracker`, again whenever it was gone, until an exception ends it.

    `served` is called each time it can be used, and `lost` with the reason, in one line, when it
    no longer can. Raises DeviceError when it cannot be served the first time.
    """
    first = True
    while True:
        try:
            with device.serve(tracker):
                first = False
                served()
                _wait_until_gone(device, tracker)
            lost(f"{device.name} is no longer at the tracker")
        except DeviceError as error:
            if first:
                raise
            lost(str(error))
        time.sleep(RETRY_S)


def _wait_until_gone(device: Device, tracker: AnyTracker) -> None:
    seen = time.monotonic()
    while time.monotonic() - seen < ABSENT_S:
        time.sleep(CHECK_S)
        try:
            with tracker.client(CHECK_S) as client:
                about = client.servers(device.key).values()
        except DeviceError:
            continue
        if any(one.get("name") == device.name for one in about):
            seen = time.monotonic()
