"""Temperatures of a phone, and the wait until it is cool enough to be measured.

A warm phone lowers its clocks: the paper cooled it down after each benchmark.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

from depthbench import cancellation
from depthbench.errors import DeviceError
from depthbench.progress import Progress

# Qualcomm's, Samsung's and Google's, MediaTek's, HiSilicon's, UNISOC's and the boards' names.
CPU_ZONE = re.compile(
    r"cpu|cluster|^apc|\b(big|mid|little)\b|^(big|little)core|^soc[-_](max|therm|thm)|^ank\d",
    re.IGNORECASE,
)
# Drivers of batteries and of their limits use zones for percent (`soc` is the state of charge),
# milliamperes and millivolts, and for limits that never change.
NO_TEMPERATURE = re.compile(
    r"^socd?$|(^|[-_])(ibat|vbat|vph|bcl|ocp|lmh|vdroop\d*|batoilo|smpl)([-_]|$)", re.IGNORECASE
)
COLDEST_C, HOTTEST_C = -40.0, 125.0
STATUS_NAMES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
"""Android's thermal status, by number."""
LEAST_ZONES, FAR_C = 3, 50.0
POLL_S = 5.0
BATTERY_FILE = "/sys/class/power_supply/battery/temp"
"""The battery's temperature in tenths of a degree, where a phone lets it be read."""


@dataclass(frozen=True)
class Limits:
    """Above these temperatures, in °C, a measurement waits, at most `wait_s` seconds.

    The battery's is below 37 °C, at which a latency is no longer valid. `status` is Android's:
    with 1, light, nobody notices yet.
    """

    battery_c: float = 36.0
    cpu_c: float = 55.0
    status: int = 1
    wait_s: float = 900.0


LIMITS_OF_BOARDS = Limits(cpu_c=65.0)
"""Boards idle warmer than phones, and slow down later: a Raspberry Pi 5 from 80 °C on, an RK3588
from 75 °C on (their documentation, and the device tree)."""


@dataclass(frozen=True)
class Temperatures:
    """One sample of the sensors, in °C: the battery, and the zones by name.

    `service_c` are those of the CPU that Android's thermal service tells, and `status` is its
    status: 0 is none, 6 shutdown. What is not told is None or left out.
    """

    battery_c: float | None = None
    zones_c: Mapping[str, float] = field(default_factory=dict)
    service_c: Mapping[str, float] = field(default_factory=dict)
    status: int | None = None

    @property
    def cpu_c(self) -> float | None:
        """The hottest zone of the CPU; where none is told, the hottest that the service tells.

        One that is much hotter than most of the others is broken: they are on one chip.
        """
        zones = [c for name, c in self.zones_c.items() if CPU_ZONE.search(name)]
        told = sorted(zones or self.service_c.values())
        if len(told) >= LEAST_ZONES:
            told = [celsius for celsius in told if celsius < median(told) + FAR_C]
        return max(told, default=None)

    @property
    def source(self) -> str | None:
        """Where the CPU's temperature comes from: `zones`, `thermalservice`, or nowhere."""
        if any(CPU_ZONE.search(name) for name in self.zones_c):
            return "zones"
        return "thermalservice" if self.service_c else None

    def too_warm(self, limits: Limits) -> str:
        """What is above its limit, for people; empty when nothing is."""
        sensors = (("battery", self.battery_c, limits.battery_c), ("CPU", self.cpu_c, limits.cpu_c))
        warm = [
            f"{name} {value:.1f} °C (limit {limit:g} °C)"
            for name, value, limit in sensors
            if value is not None and value > limit
        ]
        if self.status is not None and self.status > limits.status:
            warm.append(f"Android's thermal status is {STATUS_NAMES[self.status]}")
        return ", ".join(warm)


def parse_zones(values: Mapping[str, str]) -> dict[str, float]:
    """Temperatures in °C by the zones' types, of files `.../thermal_zoneN/type` and `.../temp`.

    Kernels tell thousandths, tenths or whole degrees. Zones that are no temperatures are left
    out, and sensors that are switched off, which tell 0 or what no phone survives; of zones of
    the same type the hottest is kept.
    """
    zones: dict[str, float] = {}
    for path, text in values.items():
        folder, _, name = path.rpartition("/")
        kind = values.get(f"{folder}/type", "").strip()
        if name != "temp" or not kind or NO_TEMPERATURE.search(kind):
            continue
        try:
            celsius = _celsius(int(text))
        except ValueError:
            continue
        if celsius != 0 and COLDEST_C < celsius < HOTTEST_C:
            zones[kind] = max(zones.get(kind, COLDEST_C), celsius)
    return zones


def cpu_zones(values: Mapping[str, str]) -> list[str]:
    """The files `.../temp` that tell how warm the CPU is, of what `parse_zones` takes."""
    return sorted(
        temp
        for path, kind in values.items()
        if path.endswith("/type") and CPU_ZONE.search(kind) and not NO_TEMPERATURE.search(kind)
        if (temp := f"{path.removesuffix('type')}temp") in values
    )


def _celsius(value: int) -> float:
    if abs(value) >= 1000:
        return value / 1000
    return value / 10 if abs(value) > HOTTEST_C else float(value)


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
                advice="let it cool, a phone out of its case, a board with a fan, and run again",
            )
        progress(
            f"{name}: too warm: {warm}; cooling down, {waited:.0f} of at most {limits.wait_s:.0f} s"
        )
        sleep(min(POLL_S, max(limits.wait_s - waited, 0.0)))
