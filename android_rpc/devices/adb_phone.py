"""A phone on a cable, or over Wi-Fi, as adb knows it."""

from __future__ import annotations

from collections.abc import Sequence

from android_rpc.adb.client import Adb
from android_rpc.adb.discovery import default_phone, find_phone, ready_phones
from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.device import Device
from android_rpc.devices.kind import DeviceKind, Setup
from android_rpc.devices.native_device import NativeDevice
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.thermal import Limits
from depthbench.errors import InputError
from depthbench.progress import Progress

EVERY_PHONE = "adb:all"


class AdbPhone(NativeDevice):
    """The phone with this serial number, or the only one that is connected.

    Beside what `NativeDevice` raises: ToolMissing without adb, DeviceError when the phone is
    absent or not ready, InputError when several could be meant.
    """

    def __init__(
        self,
        serial: str | None = None,
        bundle: Bundle | None = None,
        threads: int = 1,
        cores: Sequence[int] | None = None,
        limits: Limits | None = None,
        progress: Progress = lambda line: None,
    ) -> None:
        adb = Adb(find_phone(serial).serial)
        properties = sysfs.read_properties(adb)
        super().__init__(adb, properties, bundle, threads, cores, limits, progress)


def parse_serial(specification: str) -> str | None:
    """The serial number in adb:SERIAL, None of adb alone; InputError for anything else."""
    if not KIND.takes(specification):
        raise InputError(f"{specification!r}: not a phone on a cable", advice="write adb:SERIAL")
    return specification.partition(":")[2] or None


def _open(specification: str, setup: Setup) -> Device:
    return AdbPhone(
        parse_serial(specification),
        threads=setup.threads,
        cores=setup.cores,
        progress=setup.progress,
    )


def _every(specification: str) -> Sequence[str]:
    if specification != EVERY_PHONE:
        return [specification]
    return [f"adb:{serial}" for serial in ready_phones()]


KIND = DeviceKind(
    name="adb",
    forms={
        "adb": "the phone on a cable",
        "adb:SERIAL": "the phone with that serial number",
        EVERY_PHONE: "every phone on a cable",
    },
    open=_open,
    chooses_cores=True,
    every=_every,
    find=lambda: f"adb:{default_phone()}",
    found="the phone on the cable",
)
