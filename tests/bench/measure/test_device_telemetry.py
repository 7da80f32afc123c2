"""Clocks and battery as a session reads them, of a device that is a dictionary."""

from __future__ import annotations

import pytest

from bench.measure.device_telemetry import CLOCK, RESIDENCY, TimedClocks, device_state
from depthbench.errors import DeviceError


class FakeSession:
    """A session with a device that has some files, and cores 4 and 7 to run on."""

    def __init__(self, files: dict[str, str], *, extras: bool = True) -> None:
        self.files, self.extras = files, extras

    def affinity(self) -> list[int]:
        if not self.extras:
            raise DeviceError("no function depthbench.affinity")
        return [4, 7]

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise DeviceError(f"{path}: no such file")
        return self.files[path]


CPU = "/sys/devices/system/cpu/cpu{}/cpufreq/scaling_cur_freq"
BATTERY = "/sys/class/power_supply/battery/temp"


def test_units_are_megahertz_and_degrees() -> None:
    files = {CPU.format(4): "2600000\n", CPU.format(7): "1804800\n", BATTERY: "315\n"}
    assert device_state(FakeSession(files)) == {  # type: ignore[arg-type]
        "cores": [4, 7],
        "clocks_mhz": {"4": 2600.0, "7": 1804.8},
        "battery_c": 31.5,
    }


@pytest.mark.parametrize(
    "files", [{}, {CPU.format(4): "<unknown>", BATTERY: "0"}, {BATTERY: "2147483647"}]
)
def test_what_is_not_told_is_left_out(files: dict[str, str]) -> None:
    assert device_state(FakeSession(files)) == {"cores": [4, 7]}  # type: ignore[arg-type]


def test_a_server_without_our_functions_tells_nothing() -> None:
    assert device_state(FakeSession({}, extras=False)) == {}  # type: ignore[arg-type]


NOW, COUNTED = CLOCK.format(core=7), RESIDENCY.format(core=7)


def timed(fake: FakeSession) -> TimedClocks:
    return TimedClocks(fake, [7])


def test_clocks_of_a_kernel_that_counts() -> None:
    fake = FakeSession({COUNTED: "825600 5000\n2419200 100\n2841600 900\n"})
    clocks = timed(fake)
    fake.files[COUNTED] = "825600 5000\n2419200 190\n2841600 1810\n"
    clocks.sample()
    assert clocks.mhz() == {"7": [2841.6, 0.91]}


def test_clocks_of_a_kernel_that_does_not_count() -> None:
    fake = FakeSession({COUNTED: ""})
    clocks = timed(fake)
    for khz in ("2841600", "2841600", "1209600", "2841600", "0"):
        fake.files[NOW] = f"{khz}\n"
        clocks.sample()
    assert clocks.mhz() == {"7": [2841.6, 0.75]}


def test_clocks_that_nobody_tells() -> None:
    clocks = timed(FakeSession({}))
    clocks.sample()
    assert clocks.mhz() == {}
