"""What a check of a phone may find, for programs; `wording` says it to people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How bad a finding is; a warning does not keep a phone from being measured."""

    GOOD = "good"
    WARNING = "warning"
    FAILED = "failed"
    NOT_REACHED = "not reached"


class Outcome(StrEnum):
    """Everything that the checks can find."""

    ADB_FOUND = "adb found"
    ADB_MISSING = "adb missing"
    PHONE_READY = "phone ready"
    EMULATOR_READY = "emulator ready"
    BOARD_READY = "board ready"
    PHONE_NOT_READY = "phone not ready"
    ARM64 = "arm64"
    NOT_ARM64 = "not arm64"
    PAGE_SIZE_FITS = "page size fits"
    PAGE_SIZE_TOO_LARGE = "page size too large"
    PAGE_SIZE_UNKNOWN = "page size unknown"
    BUNDLE_PUSHED = "bundle pushed"
    BUNDLE_THERE = "bundle there"
    BUNDLE_NOT_PUSHED = "bundle not pushed"
    STORAGE_FULL = "storage full"
    PROGRAMS_FORBIDDEN = "programs forbidden"
    SESSION_RAN = "session ran"
    SESSION_FAILED = "session failed"
    OTHER_CORES = "other cores"
    A76_FOUND = "a76 found"
    A76_MISSING = "a76 missing"
    A76_OFFLINE = "a76 offline"
    GOVERNOR_FAST = "governor fast"
    GOVERNOR_SLOW = "governor slow"
    CLOCKS_FULL = "clocks full"
    CLOCKS_LIMITED = "clocks limited"
    TEMPERATURE_COOL = "temperature cool"
    TEMPERATURE_WARM = "temperature warm"
    TEMPERATURE_UNKNOWN = "temperature unknown"
    SPACE_ENOUGH = "space enough"
    SPACE_SHORT = "space short"
    SPACE_UNKNOWN = "space unknown"
    SCREEN_ON = "screen on"
    SCREEN_OFF = "screen off"
    SCREEN_UNKNOWN = "screen unknown"
    SAVER_OFF = "saver off"
    SAVER_ON = "saver on"
    SUPPLY_ENOUGH = "supply enough"
    SUPPLY_WEAK = "supply weak"
    BATTERY_ABSENT = "battery absent"
    BATTERY_FIT = "battery fit"
    BATTERY_LOW = "battery low"
    BATTERY_HEATED = "battery heated"
    BOARD = "board"
    HIDDEN = "hidden"
    TOOL_MISSING = "tool missing"
    DEVICE_FAILED = "device failed"
    NOT_REACHED = "not reached"


@dataclass(frozen=True)
class Finding:
    """An outcome, how bad it is, and the `facts` that its wording names.

    Where it `stops`, the checks that follow make no sense.
    """

    verdict: Verdict
    outcome: Outcome
    facts: Mapping[str, Any] = field(default_factory=dict)
    stops: bool = False


def good(outcome: Outcome, **facts: Any) -> Finding:
    """A finding with which all is well."""
    return Finding(Verdict.GOOD, outcome, facts)


def warning(outcome: Outcome, **facts: Any) -> Finding:
    """A finding with which a phone can be measured, though not as well."""
    return Finding(Verdict.WARNING, outcome, facts)


def failed(outcome: Outcome, *, stops: bool = False, **facts: Any) -> Finding:
    """A finding with which a phone cannot be measured."""
    return Finding(Verdict.FAILED, outcome, facts, stops)
