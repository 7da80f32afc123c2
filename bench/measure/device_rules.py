"""Was the device in a state in which a latency counts: its cores, clocks, warmth, power?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from android_rpc.telemetry.power_state import throttling
from android_rpc.telemetry.thermal import STATUS_NAMES, Limits
from android_rpc.telemetry.topology import Core, format_core_list, parse_code

Conditions = Mapping[str, Any]

A76_TARGET = "arm64-a76"
FIXED_GOVERNORS = {"performance", "powersave", "userspace"}
"""Those under which a clock does not follow the load."""
SHARE = 0.75
"""Of the time that is measured a core spends at least so much at one clock."""


def reasons_of_device(
    before: Conditions,
    after: Conditions,
    timed: Sequence[Mapping[str, Sequence[float]]],
    target: str | None,
    clock_change: float,
    temperature_c: float,
) -> list[str]:
    """Why a latency that was taken in these conditions is not believed.

    `timed` has for each session the clock of each core while it was timed, in MHz, and the share
    of that time near that clock; `target` is the target's name. `clock_change` is a share, and
    `temperature_c` the battery's limit. What the device does not tell is no reason.
    """
    return [
        *_clocks(before, after, clock_change),
        *_timed_clocks(timed, clock_change),
        *_temperature(before, after, temperature_c),
        *_state(before, after),
        *_cores(after),
        *_other_cores({**before, **after}, target),
    ]


def _clocks(before: Conditions, after: Conditions, limit: float) -> list[str]:
    """A hot phone lowers what a core may reach; its clock of the moment may not show that.

    Where the governor follows the load, the clock of an idle core before says nothing.
    """
    told = set(str(before.get("governor") or "").split(", ")) - {""}
    kinds = [("clock_limits_mhz", "highest allowed clock")]
    if told <= FIXED_GOVERNORS:
        kinds.insert(0, ("clocks_mhz", "clock"))
    reasons = []
    for key, name in kinds:
        old, new = before.get(key) or {}, after.get(key) or {}
        both = [core for core in old if core in new and old[core]]
        changes = {core: abs(new[core] / old[core] - 1) for core in both}
        if changes and max(changes.values()) > limit:
            core = max(changes, key=changes.__getitem__)
            reasons.append(
                f"the {name} of core {core} went from {old[core]:g} to {new[core]:g} MHz "
                f"(limit {limit:.0%})"
            )
    return reasons


def _timed_clocks(timed: Sequence[Mapping[str, Sequence[float]]], limit: float) -> list[str]:
    reasons = []
    for core in dict.fromkeys(core for session in timed for core in session):
        sessions = [session[core] for session in timed if core in session]
        clocks = [mhz for mhz, _ in sessions]
        if max(clocks) > min(clocks) * (1 + limit):
            reasons.append(
                f"core {core} ran at {min(clocks):.0f} MHz in one session and at "
                f"{max(clocks):.0f} in another (limit {limit:.0%})"
            )
        mhz, share = min(sessions, key=lambda session: session[1])
        if share < SHARE:
            reasons.append(
                f"core {core} was near its usual {mhz:.0f} MHz for {share:.0%} of a session "
                f"(limit {SHARE:.0%})"
            )
    return reasons[:2]


def _temperature(before: Conditions, after: Conditions, limit: float) -> list[str]:
    known = [c["battery_c"] for c in (before, after) if c.get("battery_c") is not None]
    if not known or max(known) <= limit:
        return []
    return [f"the battery was at {max(known):.1f} °C (limit {limit:g} °C)"]


def _state(before: Conditions, after: Conditions) -> list[str]:
    reasons = []
    at_ends = (before, after)
    if any(one.get("screen_on") is False for one in at_ends):
        reasons.append("the screen was off (keep it on: adb shell svc power stayon true)")
    if any(one.get("battery_saver") for one in at_ends):
        reasons.append("the battery saver was on")
    status = max((one.get("thermal_status") or 0 for one in at_ends), default=0)
    if status > Limits.status:
        reasons.append(
            f"Android's thermal status was {STATUS_NAMES[status]} "
            f"(limit {STATUS_NAMES[Limits.status]})"
        )
    bits = [one.get("throttled") or 0 for one in at_ends]
    # what happened in between stays in the higher bits
    held = throttling(bits[0] | bits[1] | (bits[1] & ~bits[0]) >> 16)
    if held:
        reasons.append(f"the board was held back: {', '.join(held)}")
    return reasons


def _cores(conditions: Conditions) -> list[str]:
    asked, used = conditions.get("cpus"), conditions.get("cores")
    if not asked or used is None or set(used) <= set(asked):
        return []
    return [f"it ran on cores {sorted(used)}, not on the cores asked for, {sorted(asked)}"]


def _other_cores(conditions: Conditions, target: str | None) -> list[str]:
    """A figure for the A76 is one of an A76, unless the user has named the cores."""
    if target != A76_TARGET or conditions.get("cpus_named"):
        return []
    parts: Mapping[str, str] = conditions.get("cpu_parts") or {}
    used = conditions.get("ran_on") or conditions.get("cpus") or []
    known: list[Core] = [parse_code(core, parts[str(core)]) for core in used if str(core) in parts]
    others = [core for core in known if not core.is_a76]
    if not others:
        return []
    names = ", ".join(dict.fromkeys(core.name for core in others))
    numbers = format_core_list([core.number for core in others])
    return [
        f"it ran on {names} (core {numbers}), not on the target's Cortex-A76: name --cores to "
        "measure another"
    ]
