"""Which device does the user mean?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from android_rpc.devices.device import Device
from depthbench.errors import InputError
from depthbench.progress import Progress
from depthbench.suggest import did_you_mean

if TYPE_CHECKING:
    from android_rpc.devices.device_pool import Fleet

NAMES = ("emulated", "adb")
FORMS = (*NAMES, "adb:SERIAL", "tracker:HOST:PORT/KEY")
EVERY_PHONE = "adb:all"


def open_fleet(
    specifications: Sequence[str],
    threads: int = 1,
    progress: Progress = lambda line: None,
    cores: Sequence[int] | None = None,
) -> Fleet:
    """The devices of a command line: one or more of `open_device`, `adb:all`, or a tracker's.

    Raises InputError when one is named twice, or a tracker's together with others.
    """
    from android_rpc.devices.device_pool import DevicesOfTracker, OwnDevices

    names = list(specifications)
    if any(name.startswith("tracker:") for name in names):
        if len(names) > 1 or cores:
            raise InputError(f"{names[0]}: a tracker's devices are used alone, and on their cores")
        return DevicesOfTracker(names[0], threads, progress)
    if EVERY_PHONE in names:
        from android_rpc.adb.discovery import ready_phones

        place = names.index(EVERY_PHONE)
        names[place : place + 1] = [f"adb:{serial}" for serial in ready_phones()]
    if twice := {name for name in names if names.count(name) > 1 and name != "emulated"}:
        raise InputError(f"--device {', '.join(sorted(twice))}: named twice")
    return OwnDevices([open_device(name, threads, progress, cores) for name in names])


def open_device(
    specification: str = "emulated",
    threads: int = 1,
    progress: Progress = lambda line: None,
    cores: Sequence[int] | None = None,
) -> Device:
    """The device of a command line: `emulated`, `adb`, `adb:SERIAL`, or `tracker:HOST:PORT/KEY`.

    `threads` is for devices that are served here, `cores` for a phone, which otherwise computes
    on the Cortex-A76 of its fastest cluster. Raises InputError for anything else, ToolMissing
    when what the device needs is not installed, and DeviceError when a phone is not ready.
    """
    if specification == "adb" or specification.startswith("adb:"):
        from android_rpc.devices.adb_phone import AdbPhone

        serial = specification.removeprefix("adb").removeprefix(":") or None
        return AdbPhone(serial, threads=threads, cores=cores, progress=progress)
    if cores:
        raise InputError(f"{specification!r}: cores can be chosen on a phone only (adb:SERIAL)")
    if specification.startswith("tracker:"):
        from android_rpc.devices.tracker_device import RemoteDevice

        return RemoteDevice(specification, threads, progress)
    if specification in (*NAMES, "emulated-a76"):
        from android_rpc.devices.emulated import EmulatedPhone

        return EmulatedPhone(threads=threads, progress=progress)
    advice = did_you_mean(specification, NAMES, f"give one of {', '.join(FORMS)}")
    raise InputError(f"unknown device {specification!r}", advice=advice)
