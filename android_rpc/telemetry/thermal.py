"""Temperatures of a phone, and the wait until it is cool enough to be measured.

A warm phone lowers its clocks: the paper cooled it down after each benchmark.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from depthbench import cancellation
from depthbench.errors import DeviceError
from depthbench.progress import Progress

CPU_ZONE = re.compile(r"cpu|soc|cluster|apc|\bbig\b|\bmid\b|\blittle\b", re.IGNORECASE)
COLDEST_C, HOTTEST_C = -40.0, 150.0
POLL_S = 5.0
BATTERY_FILE = "/sys/class/power_supply/battery/temp"
"""The battery's temperature in tenths of a degree, where a phone lets it be read."""


@dataclass(frozen=True)
class Limits:
    """Above these temperatures, in °C, a measurement waits, at most `wait_s` seconds.

    The battery's is below 37 °C, at which a latency is no longer valid.
    """

    battery_c: float = 36.0
    cpu_c: float = 55.0
    wait_s: float = 900.0


@dataclass(frozen=True)
class Battery:
    """What `dumpsys battery` says: °C, percent, whether it charges, what it is powered by."""

    temperature_c: float | None = None
    level: int | None = None
    charging: bool | None = None
    powered_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Temperatures:
    """One sample of the sensors, in °C: the battery, and the zones by name."""

    battery_c: float | None = None
    zones_c: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_c(self) -> float | None:
        """The hottest of the zones that belong to the CPU."""
        return max((c for name, c in self.zones_c.items() if CPU_ZONE.search(name)), default=None)

    def too_warm(self, limits: Limits) -> str:
        """What is above its limit, for people; empty when nothing is."""
        sensors = (("battery", self.battery_c, limits.battery_c), ("CPU", self.cpu_c, limits.cpu_c))
        return ", ".join(
            f"{name} {value:.1f} °C (limit {limit:g} °C)"
            for name, value, limit in sensors
            if value is not None and value > limit
        )


def parse_zones(values: Mapping[str, str]) -> dict[str, float]:
    """Temperatures in °C by the zones' types, of files `.../thermal_zoneN/type` and `.../temp`.

    Kernels tell thousandths, tenths or whole degrees. Sensors that are switched off, which tell
    0 or what no phone survives, are left out; of zones of the same type the hottest is kept.
    """
    zones: dict[str, float] = {}
    for path, text in values.items():
        folder, _, name = path.rpartition("/")
        kind = values.get(f"{folder}/type", "").strip()
        if name != "temp" or not kind:
            continue
        try:
            celsius = _celsius(int(text))
        except ValueError:
            continue
        if celsius != 0 and COLDEST_C < celsius < HOTTEST_C:
            zones[kind] = max(zones.get(kind, COLDEST_C), celsius)
    return zones


def _celsius(value: int) -> float:
    if abs(value) >= 1000:
        return value / 1000
    return value / 10 if abs(value) > HOTTEST_C else float(value)


def parse_battery(text: str) -> Battery:
    """What `dumpsys battery` prints; what it does not tell is None."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        fields.setdefault(name, value)
    tenths, level, status = (_integer(fields.get(n)) for n in ("temperature", "level", "status"))
    sources = tuple(
        name.removesuffix(" powered")
        for name, value in fields.items()
        if name.endswith(" powered") and value == "true"
    )
    # BatteryManager: 2 charging, 3 discharging, 4 not charging, 5 full
    charging = None if status is None else status == 2
    return Battery(None if tenths is None else tenths / 10, level, charging, sources)


def _integer(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


def wait_until_cool(
    name: str,
    read: Callable[[], Temperatures],
    limits: Limits,
    progress: Progress = lambda line: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Returns, with the seconds waited, when nothing of the phone `name` is above its limit.

    `progress` is told every five seconds what is too warm. Raises DeviceError when it still is
    after `limits.wait_s`.
    """
    started = clock()
    while True:
        cancellation.check()
        warm = read().too_warm(limits)
        waited = clock() - started
        if not warm:
            return waited
        if waited >= limits.wait_s:
            raise DeviceError(
                f"{name}: still too warm after {waited:.0f} s: {warm}",
                advice="take the phone out of its case and the sun, let it cool, and run again",
            )
        progress(
            f"{name}: too warm: {warm}; cooling down, {waited:.0f} of at most {limits.wait_s:.0f} s"
        )
        sleep(min(POLL_S, max(limits.wait_s - waited, 0.0)))
