"""What changes on a device by the hour: warmth, battery, screen, battery saver, power supply.

What a device does not tell is None, and is never guessed. One request asks for all that is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from android_rpc.telemetry.battery import Battery, parse_battery
from android_rpc.telemetry.power_state import (
    ASK_SAVERS,
    ASK_THROTTLED,
    Screen,
    parse_savers,
    parse_screen,
    parse_throttled,
)
from android_rpc.telemetry.sysfs import ZONE_FILES, read_files
from android_rpc.telemetry.thermal import Temperatures, parse_zones
from android_rpc.telemetry.thermal_service import parse_thermal_service
from android_rpc.transport import Transport

MARK = "== depthbench:"
BATTERY, THERMAL, POWER = "dumpsys battery", "dumpsys thermalservice", "dumpsys power"


@dataclass(frozen=True)
class DeviceState:
    """What a device said at one time.

    `android` is whether it is an Android: others have no screen and no battery saver.
    `throttled` are the bits of a Raspberry Pi's firmware.
    """

    temperatures: Temperatures
    battery: Battery
    screen: Screen
    battery_saver: bool | None
    throttled: int | None
    android: bool = True

    def as_conditions(self) -> dict[str, Any]:
        """The same for a record: plain values, None for what is not told."""
        temperatures, battery = self.temperatures, self.battery
        return {
            "battery_c": temperatures.battery_c,
            "cpu_c": temperatures.cpu_c,
            "cpu_c_from": temperatures.source,
            "zones_c": dict(temperatures.zones_c or temperatures.service_c) or None,
            "thermal_status": temperatures.status,
            "battery_level": battery.level,
            "charging": battery.charging,
            "powered_by": None if battery.charging is None else list(battery.powered_by),
            "screen_on": self.screen.on,
            "battery_saver": self.battery_saver,
            "throttled": self.throttled,
        }


def read_state(transport: Transport) -> DeviceState:
    """All that the device tells of its state now."""
    told = _ask(transport, (BATTERY, THERMAL, POWER, ASK_SAVERS, ASK_THROTTLED))
    return DeviceState(
        _temperatures(transport, told),
        parse_battery(told[BATTERY]),
        parse_screen(told[POWER]),
        parse_savers(told[ASK_SAVERS]),
        parse_throttled(told[ASK_THROTTLED]),
        android=bool(told[POWER].strip()),
    )


def read_temperatures(transport: Transport) -> Temperatures:
    """Battery, zones, and what Android's thermal service says; each where it is told.

    Of many phones adb's shell may not read the zones; the service tells it from Android 10 on.
    """
    return _temperatures(transport, _ask(transport, (BATTERY, THERMAL)))


def _temperatures(transport: Transport, told: Mapping[str, str]) -> Temperatures:
    zones = parse_zones(read_files(transport, ZONE_FILES))
    service = parse_thermal_service(told[THERMAL])
    battery_c = parse_battery(told[BATTERY]).temperature_c
    battery_c = service.battery_c if battery_c is None else battery_c
    return Temperatures(battery_c, zones, service.cpu_c, service.status)


def _ask(transport: Transport, commands: Iterable[str]) -> dict[str, str]:
    """What each command prints; nothing for those that the device does not have."""
    asked = list(commands)
    script = "".join(f"echo '{MARK}'; {{ {command}; }} 2>/dev/null; " for command in asked)
    printed = transport.shell(f"{script}true").split(f"{MARK}\n")[1:]
    return dict(zip(asked, printed, strict=True))
