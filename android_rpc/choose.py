"""Which device does the user mean?"""

from __future__ import annotations

import difflib
from collections.abc import Callable

from android_rpc.device import Device
from android_rpc.errors import InputError

NAMES = ("emulated",)


def open_device(
    specification: str = "emulated",
    threads: int = 1,
    progress: Callable[[str], None] = lambda line: None,
) -> Device:
    """The device of a command line: `emulated`, or `tracker:HOST:PORT/KEY`.

    `threads` is for devices that are served here. Raises InputError for anything else, and
    ToolMissing when what the device needs is not installed.
    """
    if specification.startswith("tracker:"):
        from android_rpc.remote import RemoteDevice

        return RemoteDevice(specification)
    if specification in (*NAMES, "emulated-a76"):
        from android_rpc.emulated import EmulatedPhone

        return EmulatedPhone(threads=threads, progress=progress)
    near = difflib.get_close_matches(specification, NAMES, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(
        f"{specification!r}: unknown device{hint} (known: {', '.join(NAMES)}, "
        "tracker:HOST:PORT/KEY)"
    )
