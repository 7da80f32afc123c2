"""`dumpsys thermalservice` as phones print it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.telemetry.thermal_service import ThermalService, parse_thermal_service

# A Galaxy A52 5G with Android 12, shortened; a 0.0 is of a sensor that is not fitted.
GALAXY = """IsStatusOverride: false
ThermalEventListeners:
	callbacks: 1
Thermal Status: 0
Cached temperatures:
	Temperature{mValue=65.0, mType=0, mName=AP, mStatus=3}
HAL Ready: true
HAL connection:
	ThermalHAL 2.0 connected: yes
Current temperatures from HAL:
	Temperature{mValue=25.6, mType=0, mName=AP, mStatus=0}
	Temperature{mValue=23.8, mType=2, mName=BAT, mStatus=0}
	Temperature{mValue=0.0, mType=2, mName=SUBBAT, mStatus=0}
	Temperature{mValue=25.7, mType=5, mName=PA, mStatus=0}
	Temperature{mValue=85.0, mType=8, mName=soc, mStatus=0}
	Temperature{mValue=NaN, mType=0, mName=CPU1, mStatus=0}
Current cooling devices from HAL:
	CoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
	{.type = SKIN, .name = skin}
"""


def test_what_the_hal_says_now_counts() -> None:
    assert parse_thermal_service(GALAXY) == ThermalService(0, {"AP": 25.6}, 23.8)


def test_a_status_without_a_hal_is_not_told() -> None:
    text = "Thermal Status: 0\nCached temperatures:\nHAL Ready: false\n"
    assert parse_thermal_service(text) == ThermalService()


@pytest.mark.parametrize("status", range(7))
def test_each_status(status: int) -> None:
    text = GALAXY.replace("Thermal Status: 0", f"Thermal Status: {status}")
    assert parse_thermal_service(text).status == status


def test_an_android_without_the_service() -> None:
    assert parse_thermal_service("Can't find service: thermalservice\n") == ThermalService()


@given(st.text() | st.text().map(lambda text: GALAXY.replace("25.6", text)))
def test_any_text_is_survived(text: str) -> None:
    parse_thermal_service(text)
