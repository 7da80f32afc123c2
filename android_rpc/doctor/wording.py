"""What people read of a phone's checks: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from android_rpc.adb.client import INSTALL
from android_rpc.doctor.finding import Finding, Outcome, Verdict
from android_rpc.telemetry.topology import format_core_list

NOTHING_TO_DO = "nothing to do: this phone hides it"
PHONE = "{serial}: {manufacturer} {model}, Android {android}"
BATTERY = "{level} %, {charging}, powered by {powered_by}"

# What was found, and the advice, with the names of facts in braces.
TEXTS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.ADB_FOUND: ("{program}, version {version}", ""),
    Outcome.ADB_MISSING: ("not installed", INSTALL),
    Outcome.PHONE_READY: (f"{PHONE}, a phone", ""),
    Outcome.EMULATOR_READY: (f"{PHONE}, an emulator: its times are no latencies", ""),
    Outcome.BOARD_READY: ("{device}: {manufacturer} {model}, {system}, a board", ""),
    Outcome.PHONE_NOT_READY: ("{error}", "{advice}"),
    Outcome.ARM64: ("{machine}, {abi}", ""),
    Outcome.NOT_ARM64: ("{machine}, {abi}", "depthbench runs on 64-bit ARM phones only"),
    Outcome.PAGE_SIZE_FITS: ("{kb} KB", ""),
    Outcome.PAGE_SIZE_TOO_LARGE: ("{kb} KB", "the bundle is built for up to 64 KB"),
    Outcome.PAGE_SIZE_UNKNOWN: ("not told", "the next check shows whether programs start"),
    Outcome.BUNDLE_PUSHED: ("{version}; bundle of {megabytes} MB pushed now", ""),
    Outcome.BUNDLE_THERE: ("{version}; bundle of {megabytes} MB already there", ""),
    Outcome.BUNDLE_NOT_PUSHED: ("{error}", "plug it in again"),
    Outcome.STORAGE_FULL: ("{error}", "free some space on the phone"),
    Outcome.PROGRAMS_FORBIDDEN: (
        "{error}",
        "this Android does not run programs from /data/local/tmp: report it, please",
    ),
    Outcome.SESSION_RAN: ("a session ran on cores {cores}", ""),
    Outcome.SESSION_FAILED: ("{error}", "run again; if it stays, report it, please"),
    Outcome.OTHER_CORES: (
        "runs on cores {cores}, not {chosen}",
        "unplug the charger, close games and battery savers",
    ),
    Outcome.A76_FOUND: ("{clusters}; computing on {chosen}", ""),
    Outcome.A76_MISSING: (
        "no A76 among {clusters}",
        "rpc-measure calls its latencies for arm64-a76 invalid, unless you name --cores",
    ),
    Outcome.A76_OFFLINE: (
        "no A76 among {clusters}; cores {offline} are switched off",
        "wake the phone, keep its screen on, and run again",
    ),
    Outcome.GOVERNOR_FAST: ("{governors}", ""),
    Outcome.GOVERNOR_SLOW: ("{governors}", "switch the battery saver off"),
    Outcome.CLOCKS_FULL: ("{clocks}", ""),
    Outcome.CLOCKS_LIMITED: (
        "{clocks}; limited to {limit} MHz",
        "let the phone cool down and switch the battery saver off",
    ),
    Outcome.TEMPERATURE_COOL: ("{temperatures}", ""),
    Outcome.TEMPERATURE_WARM: ("{warm}", "let it cool down; rpc-measure waits for that"),
    Outcome.TEMPERATURE_UNKNOWN: ("{temperatures}", "nothing to do: this phone hides its CPU's"),
    Outcome.SPACE_ENOUGH: ("{mib} MiB", ""),
    Outcome.SPACE_SHORT: ("{mib} MiB", "free {enough} MiB there for models"),
    Outcome.SPACE_UNKNOWN: ("not told", "see that there are 256 MB for models"),
    Outcome.SCREEN_ON: ("on", ""),
    Outcome.SCREEN_OFF: (
        "off ({state})",
        "phones slow down with the screen off: adb shell svc power stayon usb, and wake it",
    ),
    Outcome.SCREEN_UNKNOWN: ("not told", "keep the screen on while measuring"),
    Outcome.SAVER_OFF: ("off", ""),
    Outcome.SAVER_ON: ("on", "switch it off: latencies with it are invalid"),
    Outcome.SUPPLY_ENOUGH: ("enough power", ""),
    Outcome.SUPPLY_WEAK: ("{held}", "use the board's own power supply, and let it cool down"),
    Outcome.BATTERY_ABSENT: ("no battery", ""),
    Outcome.BATTERY_FIT: (BATTERY, ""),
    Outcome.BATTERY_LOW: (
        BATTERY,
        "charge it first: phones lower their clocks when the battery is low",
    ),
    Outcome.BATTERY_HEATED: (BATTERY, "fast charging heats: use a plain USB port"),
    Outcome.BOARD: ("none: it is no phone", ""),
    Outcome.HIDDEN: ("not told", NOTHING_TO_DO),
    Outcome.TOOL_MISSING: ("{error}", "{advice}"),
    Outcome.DEVICE_FAILED: ("{error}", "{advice}"),
    Outcome.NOT_REACHED: ("-", ""),
}


def _clusters(names: Sequence[tuple[str, Sequence[int]]]) -> str:
    return ", ".join(f"{name} {format_core_list(cores)}" for name, cores in names)


def _clocks(mhz: Mapping[int, tuple[float, float]]) -> str:
    return ", ".join(f"core {core}: {now:.0f} of {top:.0f} MHz" for core, (now, top) in mhz.items())


def _temperature(sensor: tuple[str, float | None]) -> str:
    what, celsius = sensor
    return f"{what} not told" if celsius is None else f"{what} {celsius:.1f} °C"


# How a fact is written, by its name; others as they are.
WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "chosen": format_core_list,
    "cores": format_core_list,
    "clusters": _clusters,
    "clocks": _clocks,
    "limit": "{:.0f}".format,
    "megabytes": "{:.1f}".format,
    "governors": ", ".join,
    "temperatures": lambda sensors: ", ".join(map(_temperature, sensors.items())),
    "offline": format_core_list,
    "held": ", ".join,
    "charging": lambda charging: "charging" if charging else "not charging",
    "powered_by": lambda sources: ", ".join(sources) or "itself",
}


@dataclass(frozen=True)
class Check:
    """One check as it is reported: what was found, and what to do unless it is good."""

    name: str
    verdict: Verdict
    outcome: Outcome
    found: str
    advice: str = ""


def report(name: str, finding: Finding) -> Check:
    """The finding of the check called `name`, in words."""
    facts = {key: WRITTEN.get(key, str)(value) for key, value in finding.facts.items()}
    found, advice = (text.format(**facts) for text in TEXTS[finding.outcome])
    return Check(name, finding.verdict, finding.outcome, found, advice)
