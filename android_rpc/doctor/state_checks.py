"""Checks of what changes by the hour: warmth, free space, screen, battery."""

from __future__ import annotations

import re

from android_rpc.doctor.finding import Finding, Outcome, failed, good, warning
from android_rpc.doctor.visit import Visit
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.thermal import Limits

LEAST_MIB, ENOUGH_MIB = 64, 256
LEAST_LEVEL = 20
FAST_CHARGERS = {"AC", "Wireless"}


def check_temperature(visit: Visit) -> Finding:
    """Are battery and CPU cool enough to be measured?"""
    now = sysfs.read_temperatures(visit.adb)
    sensors = {"battery": now.battery_c, "CPU": now.cpu_c}
    told = {what: celsius for what, celsius in sensors.items() if celsius is not None}
    if not told:
        return warning(Outcome.HIDDEN)
    if warm := now.too_warm(Limits()):
        return warning(Outcome.TEMPERATURE_WARM, warm=warm)
    return good(Outcome.TEMPERATURE_COOL, temperatures=told)


def check_space(visit: Visit) -> Finding:
    """Is there room for models?"""
    line = visit.adb.shell("df -k /data/local/tmp").splitlines()[-1]
    match = re.search(r"(\d+)\s+(\d+)\s+(\d+)\s+\d+%", line)
    if match is None:
        return warning(Outcome.SPACE_UNKNOWN)
    mib = int(match[3]) // 1024
    if mib >= ENOUGH_MIB:
        return good(Outcome.SPACE_ENOUGH, mib=mib)
    finding = warning if mib >= LEAST_MIB else failed
    return finding(Outcome.SPACE_SHORT, mib=mib, enough=ENOUGH_MIB)


def check_screen(visit: Visit) -> Finding:
    """Is the screen on? Phones slow down without."""
    match = re.search(r"mWakefulness=(\w+)", visit.adb.shell("dumpsys power"))
    if match is None:
        return warning(Outcome.SCREEN_UNKNOWN)
    if match[1] == "Awake":
        return good(Outcome.SCREEN_ON)
    return warning(Outcome.SCREEN_OFF, state=match[1].lower())


def check_battery(visit: Visit) -> Finding:
    """Is the battery full enough, and not heated by a fast charger?"""
    battery = sysfs.read_battery(visit.adb)
    if battery.level is None or battery.charging is None:
        return warning(Outcome.HIDDEN)
    facts = {
        "level": battery.level,
        "charging": battery.charging,
        "powered_by": battery.powered_by,
    }
    if battery.level < LEAST_LEVEL:
        return warning(Outcome.BATTERY_LOW, **facts)
    if battery.charging and FAST_CHARGERS & set(battery.powered_by):
        return warning(Outcome.BATTERY_HEATED, **facts)
    return good(Outcome.BATTERY_FIT, **facts)
