"""Clocks and battery as a session reads them, of a device that is a dictionary."""

from __future__ import annotations

from typing import Any

import pytest

from bench.measure.device_telemetry import CLOCK, RESIDENCY, TimedClocks, device_state
from depthbench.errors import DeviceError


class Files:
    """A session whose device has these files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def affinity(self) -> list[int]:
        return [7]

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise DeviceError(f"{path}: Permission denied")
        return self.files[path]


def session(files: dict[str, str]) -> Any:
    return Files(files)


BATTERY = "/sys/class/power_supply/battery/temp"
NOW, COUNTED = CLOCK.format(core=7), RESIDENCY.format(core=7)


def test_the_state() -> None:
    told = session({NOW: "2841600\n", BATTERY: "285\n"})
    assert device_state(told) == {"cores": [7], "clocks_mhz": {"7": 2841.6}, "battery_c": 28.5}


@pytest.mark.parametrize("garbage", ["", "0", "-1", "2147483647", "n/a", "<unsupported>"])
def test_garbage_is_not_told(garbage: str) -> None:
    assert device_state(session({NOW: "<unknown>", BATTERY: garbage})) == {"cores": [7]}


def test_clocks_of_a_kernel_that_counts() -> None:
    told = session({COUNTED: "825600 5000\n2419200 100\n2841600 900\n"})
    clocks = TimedClocks(told, [7])
    told.files[COUNTED] = "825600 5000\n2419200 190\n2841600 1810\n"
    clocks.sample()
    assert clocks.mhz() == {"7": [2841.6, 0.91]}


def test_clocks_of_a_kernel_that_does_not_count() -> None:
    told = session({COUNTED: ""})
    clocks = TimedClocks(told, [7])
    for khz in ("2841600", "2841600", "1209600", "2841600", "0"):
        told.files[NOW] = f"{khz}\n"
        clocks.sample()
    assert clocks.mhz() == {"7": [2841.6, 0.75]}


def test_clocks_that_nobody_tells() -> None:
    clocks = TimedClocks(session({}), [7])
    clocks.sample()
    assert clocks.mhz() == {}
