"""Which device a demo runs on when none is named, and what its packages are for."""

from __future__ import annotations

from android_rpc.demo.start_demo import HOST
from android_rpc.devices import factory

EMULATED = "emulated"


def default_device() -> tuple[str, str]:
    """The device of `rpc-measure`, but this machine in place of the emulated phone; and why."""
    device, why = factory.default_device()
    return (HOST, why) if device == EMULATED else (device, why)


def platform_of(device: str) -> str:
    """The platform of the packages that a device takes."""
    return "host" if device == HOST else "arm64-linux"
