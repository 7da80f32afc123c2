"""A battery's fuel gauge: which files tell current, voltage and charge, as raw numbers.

The kernel's documentation has microvolts, microamperes (negative while discharging) and
microampere-hours (Documentation/ABI/testing/sysfs-class-power); not all drivers follow it.
"""

from __future__ import annotations

from collections.abc import Mapping

SUPPLIES = "/sys/class/power_supply/"
CHARGES = ("charge_counter", "charge_now")
GAUGE = ("current_now", "voltage_now", *CHARGES, "temp")
GAUGE_FILES = tuple(f"{SUPPLIES}*/{name}" for name in ("type", *GAUGE))
# Where a phone hides these files Android may tell: what `dumpsys battery` prints, as one word.
TELLS = {"Charge counter": "charge_counter", "voltage": "voltage_now", "temperature": "temp"}
PROGRAMS = "; ".join(f"s/^ *{said}: */{name}=/p" for said, name in TELLS.items())
BEFORE_DUMP = "dumpsys=$(command -v dumpsys)"
"""To be run once before DUMP, which then costs nothing where there is no such program."""
DUMP = (
    '${dumpsys:+$("$dumpsys" battery 2>/dev/null '
    f"| sed -n '{PROGRAMS}' | tr -d ' ' | tr '\\n' ',')}}"
)


def gauge_files(files: Mapping[str, str]) -> dict[str, str]:
    """Of the files that match GAUGE_FILES, those of the battery: what each tells, by path.

    Of several batteries it is the one that tells most, of equal ones the one called `battery`.
    """
    found: dict[str, dict[str, str]] = {}
    for path in files:
        supply, _, name = path.rpartition("/")
        if name in GAUGE and files.get(f"{supply}/type") == "Battery":
            found.setdefault(supply, {})[path] = name
    best = max(found, key=lambda one: (len(found[one]), one == f"{SUPPLIES}battery"), default="")
    return found.get(best, {})


def parse_dump(word: str) -> dict[str, float]:
    """The numbers in what DUMP makes of the battery's dump, by the names of GAUGE."""
    pairs = (entry.partition("=") for entry in word.split(","))
    return {name: float(value) for name, _, value in pairs if name in GAUGE and _is_number(value)}


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit()
