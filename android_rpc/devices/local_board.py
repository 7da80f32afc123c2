"""This machine itself, where it has arm64 cores."""

from __future__ import annotations

import platform

from android_rpc.board.local_host import LocalHost
from android_rpc.board.properties import ARM64, read_properties
from android_rpc.devices.device import Device
from android_rpc.devices.kind import DeviceKind, Setup
from android_rpc.devices.native_device import NativeDevice
from android_rpc.telemetry.thermal import LIMITS_OF_BOARDS
from depthbench.errors import DeviceError


def _find() -> str:
    if platform.machine() not in ARM64:
        raise DeviceError(
            f"--device local is for arm64 machines; this one is {platform.machine()}",
            advice="reach a board with --device ssh:USER@HOST, or use --device emulated",
        )
    return "local"


def _open(specification: str, setup: Setup) -> Device:
    _find()
    host = LocalHost()
    return NativeDevice(
        host,
        read_properties(host),
        threads=setup.threads,
        cores=setup.cores,
        limits=LIMITS_OF_BOARDS,
        progress=setup.progress,
    )


KIND = DeviceKind(
    name="local",
    forms={"local": "this machine, where it is an arm64 board"},
    open=_open,
    chooses_cores=True,
    find=_find,
    found="this machine, an arm64 board",
)
