"""Energy of an inference, from the battery's fuel gauge.

Drivers do not agree on units and signs, so that neither is taken for granted. The kernel documents
microvolts, microamperes and microampere-hours, negative currents while discharging; there are those
that tell milli-units, and those whose currents are positive or have no sign (Linux, commit
05f94eb98907). A voltage's unit is told by its magnitude, a current's is the one in which it adds up
to what the charge counter lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Battery = Mapping[str, float]
LEAST_READINGS = 3
LEAST_SHARE = 0.5
"""Of the run that readings must span."""
LEAST_STEPS = 5
"""Of the charge counter, for its fall to tell a power, or to check a current by."""
AGREES = 1.5
"""As far as the current's sum and the counter's fall may be apart: units are 10 times or more."""
ONE_SIGN = 0.9
CURRENT_UNITS = {"uA": 1e-6, "mA": 1e-3, "0.1 mA": 1e-4}


class _NotKnownError(Exception):
    """The energy cannot be told, and why."""


@dataclass(frozen=True)
class _Power:
    """Watts, what they come from, the smallest step of that in watts where one was seen, and how it
    was checked.
    """

    watts: float
    source: str
    step_w: float | None
    unit: str | None = None
    checked: bool | None = None


def energy_of(
    readings: Sequence[tuple[float, Battery]],
    seconds: float,
    inferences: int,
    powered_by: Sequence[str] | None,
) -> dict[str, Any]:
    """Energy of one of `inferences` that ran back to back for `seconds`, of the whole device.

    `readings` are raw numbers of the battery by seconds since the start (`Reading.battery`);
    `powered_by` what Android says that the device is powered by, None where nobody says. Gives
    `absent`, the reason, where the device is powered, or does not tell enough. Else millijoules
    `per_inference_mj` with their `resolution_mj`, the `mean_power_w`, its `source`, the current's
    `unit`, whether that was `checked` against the charge counter. Idle power is not subtracted.
    """
    try:
        power = _power(readings, seconds, powered_by)
    except _NotKnownError as error:
        return {"absent": str(error)}
    to_mj = 1e3 * seconds / inferences
    return {
        "per_inference_mj": power.watts * to_mj,
        "resolution_mj": None if power.step_w is None else power.step_w * to_mj,
        "mean_power_w": power.watts,
        "source": power.source,
        "unit": power.unit,
        "checked": power.checked,
        "readings": len(readings),
        "idle_subtracted": False,
    }


def _power(
    readings: Sequence[tuple[float, Battery]], seconds: float, powered_by: Sequence[str] | None
) -> _Power:
    if powered_by:
        raise _NotKnownError(f"the device is powered by {', '.join(powered_by)}")
    times, volts = _series(readings, "voltage_now")
    if times.size < LEAST_READINGS or np.ptp(times) < LEAST_SHARE * seconds:
        raise _NotKnownError("the battery was not read, or too seldom")
    voltage = float(np.mean(volts)) * _volt_unit(float(np.median(volts)))
    counter = _by_counter(readings, voltage)
    if powered_by is None and counter is None:
        raise _NotKnownError("nobody says whether the device is powered")
    current = _by_current(readings, voltage, counter)
    if found := current or counter:
        return found
    raise _NotKnownError("the battery tells no current, and its charge counter is too coarse")


def _by_counter(readings: Sequence[tuple[float, Battery]], voltage: float) -> _Power | None:
    """The power by what the counter lost, from one of its steps to another; None of few steps."""
    name = "charge_counter" if any("charge_counter" in b for _, b in readings) else "charge_now"
    times, charge = _series(readings, name)
    if charge.size < 2:
        return None
    if charge[-1] > charge[0]:
        raise _NotKnownError("the battery charges")
    steps = np.abs(np.diff(charge))
    at = np.flatnonzero(steps) + 1
    if at.size < 2:
        return None
    # Between two steps the counter lost what it says; before the first and after the last, more.
    lost, span = charge[at[0]] - charge[at[-1]], times[at[-1]] - times[at[0]]
    smallest = steps[at - 1].min()
    if lost < LEAST_STEPS * smallest or span <= 0:
        return None
    unit = 1e-6 if np.median(charge) >= 1e5 else 1e-3  # a battery holds 0.1 to 20 Ah
    watts = 3600 * unit * voltage / span
    return _Power(float(lost * watts), "charge counter", float(smallest * watts))


def _by_current(
    readings: Sequence[tuple[float, Battery]], voltage: float, counter: _Power | None
) -> _Power | None:
    """The power by the mean current over time; None where its sign or its unit is not clear."""
    times, current = _series(readings, "current_now")
    moving = current[current != 0]
    if current.size < LEAST_READINGS or not moving.size:
        return None
    share = float(np.mean(moving > 0))
    if not (share >= ONE_SIGN or share <= 1 - ONE_SIGN):
        return None
    mean = abs(float(np.trapezoid(current, times) / np.ptp(times)))

    def apart(unit: str) -> float:
        return _apart(mean * CURRENT_UNITS[unit] * voltage, counter.watts if counter else 0.0)

    unit = min(CURRENT_UNITS, key=apart) if counter else _likely_unit(mean)
    if counter and apart(unit) > AGREES:
        return None
    scale = CURRENT_UNITS[unit] * voltage
    steps = np.abs(np.diff(np.unique(moving)))
    step_w = float(steps.min()) * scale if steps.size else None
    return _Power(mean * scale, "current", step_w, unit, counter is not None)


def _likely_unit(mean: float) -> str:
    """A device that computes draws 10 mA to 10 A: no number is that much in both units."""
    return "uA" if mean >= 1e4 else "mA"


def _volt_unit(median: float) -> float:
    """Batteries have 2 to 20 V."""
    for unit in (1e-6, 1e-3):
        if 2 <= median * unit <= 20:
            return unit
    raise _NotKnownError(f"the battery's voltage is {median:g} of an unknown unit")


def _apart(one: float, other: float) -> float:
    return max(one / other, other / one) if one > 0 and other > 0 else float("inf")


def _series(readings: Sequence[tuple[float, Battery]], name: str) -> tuple[np.ndarray, np.ndarray]:
    known = [(seconds, battery[name]) for seconds, battery in readings if name in battery]
    times, values = zip(*known, strict=True) if known else ((), ())
    return np.array(times, float), np.array(values, float)
