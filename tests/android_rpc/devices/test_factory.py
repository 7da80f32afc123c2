"""Which device is meant, and what is missing for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.devices.factory import open_device
from android_rpc.devices.tracker_device import TrackerDevice
from android_rpc.telemetry.thermal import Limits
from depthbench.emulator import emulator_version, find_emulator
from depthbench.errors import DeviceError, InputError, ToolMissing


def test_a_device_elsewhere() -> None:
    device = open_device("tracker:farm.example:9190/pixel-6")
    assert isinstance(device, TrackerDevice)
    assert (device.host, device.port, device.key) == ("farm.example", 9190, "pixel-6")
    assert not device.emulated
    assert device.conditions()["tracker"] == "farm.example:9190"


def test_an_emulated_device_elsewhere_is_still_emulated() -> None:
    assert TrackerDevice("tracker:127.0.0.1:9190/emulated-a76-1").conditions()["emulated"] is True


@pytest.mark.parametrize(
    "specification",
    [
        *("tracker:", "tracker:host", "tracker:host:9190", "tracker:host:9190/"),
        *("tracker::9190/key", "tracker:host:0/key", "tracker:host:65536/key"),
        *("tracker:host:x/key", "tracker:host:9190/a b", 'tracker:host:9190/"'),
        "tracker:host:9190/key\n",
    ],
)
def test_bad_specifications(specification: str) -> None:
    with pytest.raises(InputError, match="write tracker:HOST:PORT/KEY"):
        open_device(specification)


def test_an_unknown_device_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"unknown device .*; did you mean 'emulated'"):
        open_device("emulate")
    with pytest.raises(InputError, match="tracker:HOST:PORT/KEY"):
        open_device("x")


def test_every_run_has_its_own_key() -> None:
    keys = {open_device("emulated").key for _ in range(10)}
    assert len(keys) == 10
    assert all(key.startswith("emulated-a76-") for key in keys)


def test_a_missing_emulator_names_the_command(no_programs: Path) -> None:
    with pytest.raises(ToolMissing, match=r"sudo apt-get install qemu-user$"):
        EmulatedPhone()


def test_an_emulator_that_does_not_run(no_programs: Path) -> None:
    program = no_programs / "qemu-aarch64"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ToolMissing, match="does not run"):
        emulator_version(find_emulator())


class Warm:
    """A session with a phone whose battery tells these tenths of a degree, one after the other."""

    def __init__(self, *tenths: int) -> None:
        self.tenths = list(tenths)

    def read_file(self, path: str) -> str:
        if not self.tenths:
            raise DeviceError("permission denied")
        return f"{self.tenths.pop(0)}\n"


def test_a_warm_phone_elsewhere_cools_down_before_it_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("android_rpc.telemetry.thermal.POLL_S", 0.0)
    lines: list[str] = []
    device = TrackerDevice("tracker:127.0.0.1:9190/pixel", progress=lines.append)
    session = Warm(391, 380, 352, 300)
    device.settle(session)  # type: ignore[arg-type]
    assert session.tenths == [300]
    assert "39.1" in lines[0]
    device.settle(Warm())  # type: ignore[arg-type]
    with pytest.raises(DeviceError, match="still too warm"):
        device.settle(Warm(400), Limits(wait_s=0.0))  # type: ignore[arg-type]
    emulated = TrackerDevice("tracker:127.0.0.1:9190/emulated-1")
    emulated.settle(Warm(400), Limits(wait_s=0.0))  # type: ignore[arg-type]
