"""Batteries as phones print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.battery import Battery, battery_celsius, parse_battery

# The output of a Pixel 4 on a USB port.
DUMP = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 2311000
  status: 2
  health: 2
  present: true
  level: 83
  scale: 100
  voltage: 4187
  temperature: 287
  technology: Li-ion
"""
SOURCES = ("AC", "USB", "Wireless", "Dock")


def test_a_battery() -> None:
    assert parse_battery(DUMP) == Battery(28.7, 83, True, ("USB",), True)


@given(
    st.integers(-200, 800).filter(lambda tenths: not -1 <= tenths <= 60),
    st.integers(0, 100),
    st.integers(1, 5),
    st.sets(st.sampled_from(SOURCES)),
)
def test_any_battery(tenths: int, level: int, status: int, sources: set[str]) -> None:
    powered = "".join(f"  {name} powered: {str(name in sources).lower()}\n" for name in SOURCES)
    text = f"{powered}  status: {status}\n  level: {level}\n  temperature: {tenths}\n"
    battery = parse_battery(text)
    assert battery.temperature_c == tenths / 10
    assert battery.level == level
    assert battery.charging == (None if status == 1 else status == 2)
    assert set(battery.powered_by) == sources


@given(st.integers(10, 60))
def test_whole_degrees(celsius: int) -> None:
    assert battery_celsius(str(celsius)) == celsius


@pytest.mark.parametrize("text", ["0", "-1", "-2730", "2147483647", "801", "warm", "", None])
def test_what_no_battery_has_is_not_told(text: str | None) -> None:
    assert battery_celsius(text) is None


def test_no_battery() -> None:
    absent = DUMP.replace("present: true", "present: false").replace("287", "0")
    assert parse_battery(absent) == Battery(powered_by=("USB",), present=False)


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_battery(text)
    battery_celsius(text)


def test_a_service_that_is_missing_tells_nothing() -> None:
    assert parse_battery("Can't find service: battery\n") == Battery()
