"""The battery as Android reports it."""

from __future__ import annotations

from dataclasses import dataclass

# What a battery that is used can have, in tenths of a degree.
COLDEST, HOTTEST = -200, 800
# Drivers print these where there is no sensor.
NO_SENSOR = (0, -1)
WHOLE_DEGREES = range(10, 61)
"""Drivers that print whole degrees print these; in tenths they would be 1 to 6 °C."""


@dataclass(frozen=True)
class Battery:
    """What `dumpsys battery` says: °C, percent, whether it charges, what it is powered by.

    What it does not say is None, as everything is of a device without a battery (`present`).
    """

    temperature_c: float | None = None
    level: int | None = None
    charging: bool | None = None
    powered_by: tuple[str, ...] = ()
    present: bool | None = None


def parse_battery(text: str) -> Battery:
    """What `dumpsys battery` prints; what it does not tell is None."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        fields.setdefault(name, value)
    present = {"true": True, "false": False}.get(fields.get("present", ""))
    sources = tuple(
        name.removesuffix(" powered")
        for name, value in fields.items()
        if name.endswith(" powered") and value == "true"
    )
    if present is False:
        return Battery(powered_by=sources, present=False)
    level, status = (_integer(fields.get(name)) for name in ("level", "status"))
    if level is not None and not 0 <= level <= 100:
        level = None
    # BatteryManager: 1 unknown, 2 charging, 3 discharging, 4 not charging, 5 full
    charging = status == 2 if status in range(2, 6) else None
    return Battery(battery_celsius(fields.get("temperature")), level, charging, sources, present)


def battery_celsius(text: str | None) -> float | None:
    """The temperature that a battery's driver prints, in °C: tenths, or whole degrees of some.

    None for what no battery has, and for what drivers without a sensor print.
    """
    value = _integer(text)
    if value is None or value in NO_SENSOR or not COLDEST <= value <= HOTTEST:
        return None
    return float(value) if value in WHOLE_DEGREES else value / 10


def _integer(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
