"""Screens, battery savers and power supplies as devices print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.power_state import (
    Screen,
    parse_savers,
    parse_screen,
    parse_throttled,
    throttling,
)


@pytest.mark.parametrize(
    ("text", "screen"),
    [
        ("  mDirty=0x0\n  mWakefulness=Awake\n", Screen(True, "Awake")),
        ("  mWakefulness=Asleep\n  mWakefulnessChanging=false\n", Screen(False, "Asleep")),
        ("  mWakefulness=Dozing\nDisplay Power: state=ON\n", Screen(False, "Dozing")),
        ("Display Power: state=ON\n", Screen(True, "ON")),
        ("Display Power: state=DOZE_SUSPEND\n", Screen(False, "DOZE_SUSPEND")),
        ("  mScreenOn=false\n", Screen(False, "false")),
        ("  mLastWakefulness=Awake\n", Screen()),
        ("", Screen()),
    ],
)
def test_screens(text: str, screen: Screen) -> None:
    assert parse_screen(text) == screen


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("global low_power 0\nsystem POWER_SAVE_MODE_OPEN null\n", False),
        ("global low_power 1\nsystem SmartModeStatus null\n", True),
        ("global low_power 0\nsystem SmartModeStatus 4\n", True),
        ("global low_power null\nsystem SmartModeStatus 1\n", False),
        ("global low_power null\n", None),
        ("global low_power \n", None),
        ("", None),
    ],
)
def test_battery_savers(text: str, on: bool | None) -> None:
    assert parse_savers(text) is on


def test_a_weak_power_supply() -> None:
    bits = parse_throttled("throttled=0x50005\n")
    assert bits == 0x50005
    assert throttling(bits) == ["its power supply is too weak", "it is throttled"]
    assert throttling(0x50000) == []
    assert parse_throttled("VCHI initialization failed\n") is None


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    parse_screen(text)
    parse_savers(text)
    parse_throttled(text)
