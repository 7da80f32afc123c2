"""Energy of an inference, against batteries that lose a power that is known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sustained.energy import energy_of

VOLTS, SECONDS, INFERENCES = 3.9, 600.0, 15_000
Readings = list[tuple[float, dict[str, float]]]


def battery(
    amperes: float,
    *,
    unit: float = 1e6,
    sign: int = -1,
    volt: float = 1e6,
    step_uah: int | None = 1,
    current: bool = True,
    seconds: float = SECONDS,
    every: float = 10.0,
) -> Readings:
    """What a driver tells of a steady load: its units, its sign, its counter's steps."""
    readings = []
    for number in range(int(seconds / every) + 1):
        time = number * every
        told: dict[str, float] = {"voltage_now": VOLTS * volt}
        if current:
            told["current_now"] = sign * round(amperes * unit)
        if step_uah:
            left = 3_000_000 - amperes * 1e6 * time / 3600
            told["charge_counter"] = left // step_uah * step_uah
        readings.append((time, told))
    return readings


def energy(readings: Readings, powered_by: Any = (), seconds: float = SECONDS) -> dict[str, Any]:
    return energy_of(readings, seconds, INFERENCES, powered_by)


def expected_mj(amperes: float) -> float:
    return 1e3 * VOLTS * amperes * SECONDS / INFERENCES


@given(
    st.floats(0.05, 6.0),
    st.sampled_from([(1e6, "uA"), (1e3, "mA"), (1e4, "0.1 mA")]),
    st.sampled_from([1, -1]),
    st.sampled_from([1e6, 1e3]),
)
def test_units_and_signs_of_drivers_are_found_out(
    amperes: float, unit: tuple[float, str], sign: int, volt: float
) -> None:
    found = energy(battery(amperes, unit=unit[0], sign=sign, volt=volt))
    assert found["source"] == "current"
    assert found["unit"] == unit[1]
    assert found["checked"] is True
    assert found["per_inference_mj"] == pytest.approx(expected_mj(amperes), rel=0.02)
    assert found["mean_power_w"] == pytest.approx(VOLTS * amperes, rel=0.02)


def test_the_resolution_is_the_smallest_step_that_was_seen() -> None:
    readings = battery(1.0)
    assert energy(readings)["resolution_mj"] is None
    for number, (_, told) in enumerate(readings):
        told["current_now"] -= 5_000 * (number % 2)
    step_mj = 1e3 * VOLTS * 0.005 * SECONDS / INFERENCES
    assert energy(readings)["resolution_mj"] == pytest.approx(step_mj)


@given(st.floats(0.05, 6.0), st.sampled_from([(1e6, "uA"), (1e3, "mA")]))
def test_without_a_counter_the_magnitude_tells_the_unit(
    amperes: float, unit: tuple[float, str]
) -> None:
    found = energy(battery(amperes, unit=unit[0], step_uah=None))
    assert (found["unit"], found["checked"]) == (unit[1], False)
    assert found["per_inference_mj"] == pytest.approx(expected_mj(amperes), rel=0.02)


@given(st.floats(0.2, 6.0), st.sampled_from([1, 100, 1000]))
def test_a_counter_alone_tells_energy_within_its_steps(amperes: float, step: int) -> None:
    found = energy(battery(amperes, step_uah=step, current=False))
    assert found["source"] == "charge counter"
    assert found["unit"] is None
    lost = abs(found["per_inference_mj"] - expected_mj(amperes))
    # Each end of what is counted may be a step, or a reading, off.
    assert lost <= 2 * found["resolution_mj"] + 2 * expected_mj(amperes) * 10 / SECONDS
    assert found["idle_subtracted"] is False


def test_a_current_that_does_not_add_up_is_not_believed() -> None:
    readings = battery(1.0)
    for _, told in readings:
        told["current_now"] /= 3  # of one cell of three, say
    found = energy(readings)
    assert found["source"] == "charge counter"
    assert found["per_inference_mj"] == pytest.approx(expected_mj(1.0), rel=0.05)


def test_a_current_without_a_sign_of_its_own_is_not_believed() -> None:
    readings = battery(1.0, step_uah=None)
    for number, (_, told) in enumerate(readings):
        told["current_now"] *= (-1) ** number
    assert "tells no current" in energy(readings)["absent"]


@pytest.mark.parametrize(
    ("readings", "powered_by", "why"),
    [
        (battery(1.0), ["USB"], "the device is powered by USB"),
        (battery(-1.0, sign=-1), [], "the battery charges"),
        (battery(1.0, step_uah=None), None, "nobody says whether the device is powered"),
        ([], [], "the battery was not read, or too seldom"),
        (battery(1.0, seconds=20), [], "the battery was not read, or too seldom"),
        (battery(1.0, volt=1.0), [], "the battery's voltage is 3.9 of an unknown unit"),
        (battery(1.0, current=False, step_uah=50_000), [], "its charge counter is too coarse"),
        (battery(0.0, step_uah=None), [], "tells no current"),
    ],
)
def test_what_is_not_known_is_absent_with_the_reason(
    readings: Readings, powered_by: list[str] | None, why: str
) -> None:
    found = energy(readings, powered_by)
    assert why in found.pop("absent")
    assert found == {}


def test_a_counter_that_falls_says_that_the_device_runs_on_its_battery() -> None:
    found = energy(battery(1.0), powered_by=None)
    assert found["per_inference_mj"] == pytest.approx(expected_mj(1.0), rel=0.02)


NUMBERS = st.floats(-1e7, 1e7) | st.integers(-5, 5)
GAUGES = st.dictionaries(
    st.sampled_from(["voltage_now", "current_now", "charge_counter", "charge_now"]), NUMBERS
)


@given(st.lists(st.tuples(st.floats(0, 600), GAUGES), max_size=12), st.sampled_from([None, []]))
def test_a_gauge_that_tells_garbage_breaks_nothing(
    readings: Readings, powered_by: list[str] | None
) -> None:
    found = energy(sorted(readings, key=lambda one: one[0]), powered_by)
    assert ("absent" in found) != ("per_inference_mj" in found)
