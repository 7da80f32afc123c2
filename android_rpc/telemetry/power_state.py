"""What holds a CPU back beside heat: a dark screen, a battery saver, a weak power supply."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Screens are on in the first of these forms for Android 4.4 to 16; the others are older, or a
# vendor's.
SCREEN_FORMS = (
    (re.compile(r"^\s*mWakefulness=(\w+)", re.MULTILINE), "Awake"),
    (re.compile(r"^\s*Display Power: state=(\w+)", re.MULTILINE), "ON"),
    (re.compile(r"^\s*(?:mScreenOn|mInteractive)=(\w+)", re.MULTILINE), "true"),
)
SAVERS = {
    ("global", "low_power"): "1",
    ("system", "POWER_SAVE_MODE_OPEN"): "1",
    ("system", "SmartModeStatus"): "4",
}
"""The setting of Android's battery saver, and of Xiaomi's and Huawei's, where it is on."""
ASK_SAVERS = "; ".join(
    f'echo "{table} {name} $(settings get {table} {name} 2>/dev/null)"' for table, name in SAVERS
)

THROTTLED = re.compile(r"throttled=(0x[0-9a-fA-F]+)")
ASK_THROTTLED = "vcgencmd get_throttled"
THROTTLED_NOW = {
    0: "its power supply is too weak",
    1: "its clock is capped",
    2: "it is throttled",
    3: "it is at its soft limit of temperature",
}
"""Bits of a Raspberry Pi's `vcgencmd get_throttled`; 16 higher: since it was started."""


@dataclass(frozen=True)
class Screen:
    """Whether it is on; None where the device does not tell, or has none. `state` as printed."""

    on: bool | None = None
    state: str = ""


def parse_screen(text: str) -> Screen:
    """What `dumpsys power` says of the screen."""
    for form, on in SCREEN_FORMS:
        if match := form.search(text):
            return Screen(match[1] == on, match[1])
    return Screen()


def parse_savers(text: str) -> bool | None:
    """Whether a battery saver is on, of what `ASK_SAVERS` prints; None where no setting is told."""
    told = [words for line in text.splitlines() if len(words := line.split()) == 3]
    known = [
        value == SAVERS[table, name]
        for table, name, value in told
        if (table, name) in SAVERS and value.isdigit()
    ]
    return any(known) if known else None


def parse_throttled(text: str) -> int | None:
    """The bits that a Raspberry Pi's firmware tells; None elsewhere."""
    match = THROTTLED.search(text)
    return int(match[1], 16) if match else None


def throttling(bits: int) -> list[str]:
    """What the bits say that holds it back now."""
    return [what for bit, what in THROTTLED_NOW.items() if bits >> bit & 1]
