"""What does depthbench make of a device? The doctor's checks and the verdict on a latency."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from android_rpc.board import properties
from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.native_device import NativeDevice
from android_rpc.doctor.doctor import checks_of
from android_rpc.doctor.visit import Visit
from android_rpc.doctor.wording import Check, report
from android_rpc.telemetry import sysfs
from bench.measure.sampling_plan import FULL
from bench.measure.validity import Kind, Verdict, judge
from tests.devices.profile import Profile, read_profile
from tests.devices.profile_transport import ProfileTransport

# These need adb, a bundle and a server.
NOT_HERE = ("adb", "authorised", "reached", "loader", "server")
TARGET = "arm64-a76"
AGREES = {"against": "onnxruntime", "max_relative_difference": 0.0, "reference_std": 1.0}
QUIET_MS = [[60.0 + sample % 2 / 10 for sample in range(FULL.samples)]] * FULL.sessions


@dataclass(frozen=True)
class Examination:
    """The checks, the device's conditions, and the verdict on a quiet latency taken in them."""

    profile: Profile
    checks: list[Check]
    conditions: dict[str, Any]
    verdict: Verdict


@contextmanager
def reached(name: str) -> Iterator[ProfileTransport]:
    """The device of this profile, for the length of a block."""
    with tempfile.TemporaryDirectory() as folder:
        yield ProfileTransport(read_profile(name), Path(folder))


def examine(transport: ProfileTransport) -> Examination:
    """All checks that need no bundle, and whether a latency would be valid now."""
    visit = Visit(transport.name)
    visit.reached = transport
    checks = [
        report(name, check(visit))
        for name, check in checks_of(transport.name).items()
        if name not in NOT_HERE
    ]
    conditions = open_device(transport).conditions()
    kind: Kind = "emulated cost" if conditions["emulated"] else "latency"
    verdict = judge(
        kind, QUIET_MS, FULL, AGREES, before=conditions, after=conditions, target=TARGET
    )
    return Examination(transport.profile, checks, conditions, verdict)


def open_device(transport: ProfileTransport, **options: Any) -> NativeDevice:
    """The device as commands open it, but for its bundle."""
    bundle = cast(Bundle, SimpleNamespace(sha256="0" * 64))
    read = sysfs.read_properties if transport.profile.android else properties.read_properties
    return NativeDevice(transport, read(transport), bundle, **options)
