"""Has a server that was started reached its tracker?"""

from __future__ import annotations

import time

from android_rpc.errors import DeviceError
from android_rpc.processes import ChildProcess
from android_rpc.tracker import Tracker

START_S = 60.0
CHECK_S = 0.05


def wait_until_registered(tracker: Tracker, server: ChildProcess, key: str, name: str) -> None:
    """Returns when `tracker` lists `key`.

    Raises DeviceError when the server ends, or is not listed within a minute.
    """
    deadline = time.monotonic() + START_S
    with tracker.client(START_S) as client:
        while not client.serves(key):
            if not server.running:
                raise DeviceError(f"{name}: the server ended, {server.why_ended()}")
            if time.monotonic() > deadline:
                raise DeviceError(f"{name}: the server did not register in {START_S:g} s")
            time.sleep(CHECK_S)
