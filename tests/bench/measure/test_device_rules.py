"""Which states of a device make a latency unbelievable."""

from __future__ import annotations

from typing import Any

import pytest

from bench.measure.device_rules import reasons_of_device

A76, A77, KIRIN = "0x41:0xd0b", "0x41:0xd0d", "0x48:0xd40"


def reasons(
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    timed: list[dict[str, list[float]]] | None = None,
    target: str = "arm64-a76",
) -> list[str]:
    before = before or {}
    after = before if after is None else after
    return reasons_of_device(before, after, timed or [], target, 0.05, 37.0)


def test_what_is_not_told_is_no_reason() -> None:
    untold = dict.fromkeys(("screen_on", "battery_saver", "thermal_status", "battery_c"))
    assert reasons() == reasons(untold) == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"screen_on": False}, "the screen was off (keep it on: adb shell svc power stayon true)"),
        ({"battery_saver": True}, "the battery saver was on"),
        ({"thermal_status": 2}, "Android's thermal status was moderate (limit light)"),
        ({"throttled": 0x50005}, "the board was held back: its power supply is too weak, it is"),
    ],
)
@pytest.mark.parametrize("at_end", [False, True])
def test_a_bad_state_at_either_end(state: dict[str, Any], reason: str, at_end: bool) -> None:
    (said,) = reasons({}, state) if at_end else reasons(state, {})
    assert said.startswith(reason)


def test_a_good_state() -> None:
    good = {"screen_on": True, "battery_saver": False, "thermal_status": 1, "throttled": 0}
    assert reasons(good) == []


def test_a_board_that_was_held_back_in_between() -> None:
    (said,) = reasons({"throttled": 0x10000}, {"throttled": 0x50000})
    assert said == "the board was held back: it is throttled"
    assert reasons({"throttled": 0x50000}) == []


IDLE, BUSY = {"clocks_mhz": {"7": 825.6}}, {"clocks_mhz": {"7": 2841.6}}


@pytest.mark.parametrize("governor", ["schedutil", "walt", "sugov_ext", "interactive, schedutil"])
def test_a_clock_that_follows_the_load_may_differ_between_idle_and_busy(governor: str) -> None:
    assert reasons({**IDLE, "governor": governor}, {**BUSY, "governor": governor}) == []


@pytest.mark.parametrize("governor", ["performance", "userspace", None])
def test_a_clock_that_does_not_follow_the_load_may_not(governor: str | None) -> None:
    (said,) = reasons({**IDLE, "governor": governor}, BUSY)
    assert said == "the clock of core 7 went from 825.6 to 2841.6 MHz (limit 5%)"


def test_clocks_while_it_was_timed() -> None:
    steady = {"7": [2841.6, 0.98]}
    assert reasons(timed=[steady, {"7": [2841.6, 0.75]}, {}]) == []
    (said,) = reasons(timed=[steady, {"7": [2419.2, 0.9]}])
    assert said == "core 7 ran at 2419 MHz in one session and at 2842 in another (limit 5%)"
    (said,) = reasons(timed=[steady, {"7": [2841.6, 0.6]}])
    assert said == "core 7 was near its usual 2842 MHz for 60% of a session (limit 75%)"


PARTS = {"cpus": [4, 7], "cpu_parts": {"4": A76, "5": KIRIN, "7": A77}}


def test_another_core_than_the_targets() -> None:
    (said,) = reasons(PARTS)
    assert said.startswith("it ran on Cortex-A77 (core 7), not on the target's Cortex-A76")
    assert reasons({**PARTS, "ran_on": [4, 5]}) == []
    assert reasons({**PARTS, "cpus": [4], "ran_on": [7], "cores": [4]}) == [said]


def test_cores_that_were_named_are_meant() -> None:
    assert reasons({**PARTS, "cpus_named": True}) == []


def test_other_targets_and_unknown_parts_are_not_judged() -> None:
    assert reasons(PARTS, target="arm64") == []
    assert reasons({"cpus": [0], "cpu_parts": {}}) == []
