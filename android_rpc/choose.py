"""Which device does the user mean?"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence

from android_rpc.device import Device
from android_rpc.errors import InputError

NAMES = ("emulated", "adb")


def open_device(
    specification: str = "emulated",
    threads: int = 1,
    progress: Callable[[str], None] = lambda line: None,
    cores: Sequence[int] | None = None,
) -> Device:
    """The device of a command line: `emulated`, `adb`, `adb:SERIAL`, or `tracker:HOST:PORT/KEY`.

    `threads` is for devices that are served here, `cores` for a phone, which otherwise computes
    on the Cortex-A76 of its fastest cluster. Raises InputError for anything else, ToolMissing
    when what the device needs is not installed, and DeviceError when a phone is not ready.
    """
    if specification == "adb" or specification.startswith("adb:"):
        from android_rpc.phone import AdbPhone

        serial = specification.removeprefix("adb").removeprefix(":") or None
        return AdbPhone(serial, threads=threads, cores=cores, progress=progress)
    if cores:
        raise InputError(f"{specification!r}: cores can be chosen on a phone only (adb:SERIAL)")
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
        "adb:SERIAL, tracker:HOST:PORT/KEY)"
    )
