"""Waiting for another client of a device to be done with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from depthbench import cancellation
from depthbench.errors import DeviceError
from depthbench.progress import Progress

CHECK_S = 0.2


def wait_for_turn(
    is_ours: Callable[[], bool],
    who: Callable[[], str],
    progress: Progress,
    wait_s: float,
    check_s: float = CHECK_S,
) -> None:
    """Ask every `check_s` seconds until a device is ours.

    `who` says which client has it, as the beginning of a sentence; nothing where that is not known.
    Raises DeviceError when a client that is known has it for longer than `wait_s` seconds.
    """
    started = time.monotonic()
    while not is_ours():
        cancellation.check()
        waited = time.monotonic() - started
        if client := who():
            if waited > wait_s:
                advice = "wait for it, or end it"
                raise DeviceError(f"{client} since {waited:.0f} s", advice=advice)
            progress(f"{client}: waiting for it, {waited:.0f} s")
        time.sleep(check_s)
