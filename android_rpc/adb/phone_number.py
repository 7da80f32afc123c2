"""The manufacturer's number of a phone, which is the same by every way to reach it.

The lock of a device (`deployment.device_lock`) goes by its name, and adb has a name for each way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from android_rpc.deployment.turn import wait_for_turn
from depthbench.files import cache_folder, make_folder
from depthbench.progress import Progress

ASK = "getprop ro.serialno"
# Numbers that phones of one make, or all of Android's emulators of one version, share.
NO_NUMBER = re.compile(r"|unknown|0+|0?123456789ABCDEF|EMULATOR.*", re.IGNORECASE)
NETWORK = re.compile(r":\d+$|\._adb(-tls-connect)?\._tcp\.?$")


def by_network(serial: str) -> bool:
    """Whether adb reaches the phone that it calls so over a network, not by a cable of its own."""
    return NETWORK.search(serial) is not None


def own_number(told: str) -> str:
    """The number of what `ASK` prints; empty where it may be another phone's too."""
    number = told.strip()
    return "" if NO_NUMBER.fullmatch(number) else number


@contextmanager
def lock_number(number: str, phone: str, progress: Progress, wait_s: float) -> Iterator[None]:
    """The phone with this number for a block, whatever others on this machine call it.

    Waits for a client that measures on it now; DeviceError when that takes longer than `wait_s`.
    """
    from filelock import FileLock, Timeout

    folder = cache_folder() / "devices"
    make_folder(folder)
    lock = FileLock(folder / f"number-{quote(number, safe='')}")

    def is_ours() -> bool:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    other = f"another measures on {phone}, by another way to it"
    wait_for_turn(is_ours, lambda: other, progress, wait_s)
    try:
        yield
    finally:
        lock.release()
