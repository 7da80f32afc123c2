"""Temperatures as phones print them, and the gate that waits for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.thermal import (
    POLL_S,
    Limits,
    Temperatures,
    parse_zones,
    wait_until_cool,
)
from depthbench.errors import DeviceError

ZONE = "/sys/class/thermal/thermal_zone{}/{}"


def files(*zones: tuple[str, object]) -> dict[str, str]:
    named = {ZONE.format(i, "type"): kind for i, (kind, _) in enumerate(zones)}
    return {**named, **{ZONE.format(i, "temp"): str(value) for i, (_, value) in enumerate(zones)}}


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_zones({ZONE.format(0, "type"): "cpu", ZONE.format(0, "temp"): text})


@given(st.integers(1, 124))
def test_thousandths_and_whole_degrees(celsius: int) -> None:
    zones = parse_zones(files(("cpu-0", celsius * 1000), ("big", celsius)))
    assert zones == {"cpu-0": celsius, "big": celsius}


def test_tenths_of_degrees() -> None:
    assert parse_zones(files(("battery", 287))) == {"battery": 28.7}


def test_sensors_that_are_off_are_left_out_and_twins_are_one() -> None:
    read = files(
        ("a", 0), ("b", -40000), ("c", -273000), ("d", 200000), ("e", ""), ("e", "x"), ("f", 41000)
    )
    assert parse_zones({**read, **{ZONE.format(9, "temp"): "55000"}}) == {"f": 41.0}
    assert parse_zones(files(("cpu", 41000), ("cpu", 43500))) == {"cpu": 43.5}


def test_only_zones_of_the_cpu_count_for_it() -> None:
    zones = {"cpu-1-3-usr": 48.0, "BIG": 51.0, "soc_therm": 44.0, "gpuss-0": 70.0, "pa": 80.0}
    assert Temperatures(zones_c=zones).cpu_c == 51.0
    assert Temperatures(zones_c={"gpuss-0": 70.0}).cpu_c is None


@pytest.mark.parametrize(
    "zone", ["soc", "socd", "pm8150b-ibat-lvl0", "vbat", "pm8150b-bcl-lvl0", "lmh-dcvs-01"]
)
def test_zones_of_charge_current_and_voltage_are_no_temperatures(zone: str) -> None:
    """QTI's thermal HAL calls them BCL_PERCENTAGE, BCL_CURRENT and BCL_VOLTAGE."""
    assert parse_zones(files((zone, 85), ("cpu-0-0-usr", 31200))) == {"cpu-0-0-usr": 31.2}


@pytest.mark.parametrize("zone", ["ocp_cpu1", "soft_ocp_cpu2"])
def test_limits_of_current_named_after_a_cpu_are_no_temperatures(zone: str) -> None:
    """As Tensor's battery driver names them."""
    assert parse_zones(files((zone, 12000))) == {}


@pytest.mark.parametrize("zone", ["soc-thermal", "soc_max", "soc-thmzone", "soc_thermal"])
def test_zones_of_the_chip_are_the_cpus_where_they_say_so(zone: str) -> None:
    assert Temperatures(zones_c=parse_zones(files((zone, 44000)))).cpu_c == 44.0


def test_the_thermal_service_tells_where_zones_are_hidden() -> None:
    told = Temperatures(service_c={"CPU0": 40.0, "CPU7": 42.0})
    assert (told.cpu_c, told.source) == (42.0, "thermalservice")
    both = Temperatures(zones_c={"cpu-0": 50.0}, service_c={"CPU0": 40.0})
    assert (both.cpu_c, both.source) == (50.0, "zones")
    assert (Temperatures().cpu_c, Temperatures().source) == (None, None)


def test_a_broken_sensor_of_the_cpu_is_passed_over() -> None:
    zones = {"cpu-0": 33.0, "cpu-1": 35.0, "cpu-2": 34.0, "cpu-3": 120.0}
    assert Temperatures(zones_c=zones).cpu_c == 35.0
    assert Temperatures(zones_c={"cpu-0": 33.0, "cpu-1": 120.0}).cpu_c == 120.0
    hot = {"cpu-0": 80.0, "cpu-1": 95.0, "cpu-2": 60.0}
    assert Temperatures(zones_c=hot).cpu_c == 95.0


def test_a_phone_that_throttles_is_too_warm_whatever_its_sensors_say() -> None:
    assert Temperatures(status=1).too_warm(Limits()) == ""
    assert Temperatures(30.0, status=2).too_warm(Limits()) == "Android's thermal status is moderate"


class Phone:
    """Cools by `step` °C at every look; its time passes only in sleep."""

    def __init__(self, start: float, step: float) -> None:
        self.celsius, self.step, self.time = start, step, 0.0

    def read(self) -> Temperatures:
        self.celsius -= self.step
        return Temperatures(battery_c=self.celsius)

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def wait(self, limits: Limits, told: list[str]) -> float:
        return wait_until_cool(
            "phone", self.read, limits, told.append, lambda: self.time, self.sleep
        )


def test_a_cool_phone_does_not_wait() -> None:
    told: list[str] = []
    assert Phone(30, 0).wait(Limits(), told) == 0
    assert told == []


def test_a_phone_whose_sensors_are_hidden_does_not_wait() -> None:
    assert wait_until_cool("phone", Temperatures, Limits(), clock=lambda: 0.0) == 0


@given(st.floats(36.1, 60), st.floats(0.05, 5))
def test_it_waits_just_as_long_as_it_is_warm(start: float, step: float) -> None:
    told: list[str] = []
    phone = Phone(start, step)
    waited = phone.wait(Limits(battery_c=36, wait_s=1e6), told)
    assert phone.celsius <= 36 < phone.celsius + step or not told
    assert waited == pytest.approx(len(told) * POLL_S)
    assert all("too warm: battery" in line and "\n" not in line for line in told)


@given(st.floats(0, 100))
def test_it_gives_up_in_time(wait_s: float) -> None:
    told: list[str] = []
    phone = Phone(45, 0)
    with pytest.raises(DeviceError, match=r"^phone: still too warm after \d+ s: battery 45.0 °C"):
        phone.wait(Limits(wait_s=wait_s), told)
    assert phone.time == pytest.approx(wait_s)
