"""What Android's thermal service says: temperatures of its HAL, and how hard it throttles."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from android_rpc.telemetry.thermal import COLDEST_C, HOTTEST_C, STATUS_NAMES

CPU, BATTERY = 0, 2
"""Types of android.hardware.thermal's Temperature; those of `NOT_CELSIUS` are V, A and %."""
NOT_CELSIUS = (6, 7, 8)
READING = re.compile(
    r"Temperature\{mValue=(?P<value>[^,}]+), mType=(?P<type>-?\d+), mName=(?P<name>[^,}]*)"
)
STATUS = re.compile(r"^\s*Thermal Status: (\d+)\s*$", re.MULTILINE)
NOT_READY = re.compile(r"^\s*HAL Ready: false\s*$", re.MULTILINE)
NOW = "Current temperatures from HAL:"


@dataclass(frozen=True)
class ThermalService:
    """`status` is 0 (none) to 6 (shutdown); temperatures in °C by sensor; None: not told."""

    status: int | None = None
    cpu_c: Mapping[str, float] = field(default_factory=dict)
    battery_c: float | None = None


def parse_thermal_service(text: str) -> ThermalService:
    """What `dumpsys thermalservice` prints, from Android 10 on.

    Only what the HAL says now counts: cached temperatures are of the last change of status, and
    a status without a HAL means nothing.
    """
    if NOT_READY.search(text):
        return ThermalService()
    status = STATUS.search(text)
    known = int(status[1]) if status and int(status[1]) < len(STATUS_NAMES) else None
    cpu: dict[str, float] = {}
    battery: list[float] = []
    for match in READING.finditer(_section(text)):
        celsius = _celsius(match["value"])
        kind = int(match["type"])
        if celsius is None or kind in NOT_CELSIUS:
            continue
        if kind == CPU:
            cpu[match["name"]] = celsius
        if kind == BATTERY:
            battery.append(celsius)
    return ThermalService(known, cpu, max(battery, default=None))


def _section(text: str) -> str:
    """From the heading to the next line that is not indented."""
    after = text.partition(NOW)[2].lstrip("\r\n")
    return re.split(r"^\S", after, maxsplit=1, flags=re.MULTILINE)[0]


def _celsius(text: str) -> float | None:
    """Exactly 0 is what a sensor that is not fitted says."""
    try:
        value = float(text)
    except ValueError:
        return None
    possible = math.isfinite(value) and value != 0 and COLDEST_C < value < HOTTEST_C
    return value if possible else None
