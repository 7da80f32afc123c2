"""Checks of what changes by the hour: warmth, free space, screen, battery and its saver."""

from __future__ import annotations

import re

from android_rpc.doctor.finding import Finding, Outcome, failed, good, warning
from android_rpc.doctor.visit import Visit
from android_rpc.telemetry.power_state import throttling
from android_rpc.telemetry.thermal import Limits

LEAST_MIB, ENOUGH_MIB = 64, 256
LEAST_LEVEL = 20
FAST_CHARGERS = {"AC", "Wireless"}


def check_temperature(visit: Visit) -> Finding:
    """Are battery and CPU cool enough to be measured, and does Android say that it throttles?"""
    now = visit.state.temperatures
    sensors = {"battery": now.battery_c, "CPU": now.cpu_c}
    if visit.state.battery.present is False or not visit.state.android:
        del sensors["battery"]
    if warm := now.too_warm(visit.opened.limits if visit.opened else Limits()):
        return warning(Outcome.TEMPERATURE_WARM, warm=warm)
    if now.cpu_c is None:
        return warning(Outcome.TEMPERATURE_UNKNOWN, temperatures=sensors)
    return good(Outcome.TEMPERATURE_COOL, temperatures=sensors)


def check_space(visit: Visit) -> Finding:
    """Is there room for models?"""
    line = visit.transport.shell(f"df -k {visit.transport.home.parent}").splitlines()[-1]
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
    screen = visit.state.screen
    if not visit.state.android:
        return good(Outcome.BOARD)
    if screen.on is None:
        return warning(Outcome.SCREEN_UNKNOWN)
    if screen.on:
        return good(Outcome.SCREEN_ON)
    return warning(Outcome.SCREEN_OFF, state=screen.state.lower())


def check_saver(visit: Visit) -> Finding:
    """Is the battery saver off? It lowers clocks."""
    saver = visit.state.battery_saver
    if not visit.state.android:
        return good(Outcome.BOARD)
    if saver is None:
        return warning(Outcome.HIDDEN)
    return warning(Outcome.SAVER_ON) if saver else good(Outcome.SAVER_OFF)


def check_power(visit: Visit) -> Finding:
    """Is the battery full enough, and not heated by a fast charger? Is a board's supply enough?"""
    battery, throttled = visit.state.battery, visit.state.throttled
    if throttled is not None:
        held = throttling(throttled)
        return warning(Outcome.SUPPLY_WEAK, held=held) if held else good(Outcome.SUPPLY_ENOUGH)
    if battery.present is False or not visit.state.android:
        return good(Outcome.BATTERY_ABSENT)
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
