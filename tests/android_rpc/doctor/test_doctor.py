"""What the doctor says of a phone, which is a stand-in for adb."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from string import Formatter
from typing import cast

import pytest

from android_rpc.doctor import state_checks
from android_rpc.doctor.doctor import checks_of, examine, is_fit
from android_rpc.doctor.finding import Finding, Outcome, Verdict
from android_rpc.doctor.visit import Visit
from android_rpc.doctor.wording import TEXTS, WRITTEN, report
from android_rpc.telemetry.battery import Battery
from android_rpc.telemetry.device_state import DeviceState
from android_rpc.telemetry.power_state import Screen
from android_rpc.telemetry.thermal import Temperatures
from android_rpc.transport import Transport
from depthbench.errors import DeviceError, InputError


class Shell:
    """A phone that answers each command with what it was given, or is gone."""

    home = PurePosixPath("/data/local/tmp/depthbench")

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    def shell(self, script: str, timeout_s: float = 0.0) -> str:
        program = script.partition(" ")[0]
        if program not in self.answers:
            raise DeviceError("device offline")
        return self.answers[program]


def visit_to(shell: Shell) -> Visit:
    visit = Visit("adb:R58")
    visit.reached = cast(Transport, shell)
    return visit


def test_every_outcome_is_worded_in_terms_of_facts() -> None:
    assert set(TEXTS) == set(Outcome)
    for found, advice in TEXTS.values():
        assert found
        for _, name, form, _ in Formatter().parse(found + advice):
            assert not form
            assert name is None or name.isidentifier()


@pytest.mark.parametrize(
    ("printed", "verdict", "found"),
    [
        ("/dev/1 1000 900 262144 1% /data", Verdict.GOOD, "256 MiB"),
        ("/dev/1 1000 900 262143 1% /data", Verdict.WARNING, "255 MiB"),
        ("/dev/1 1000 900 65535 1% /data", Verdict.FAILED, "63 MiB"),
        ("df: no such thing", Verdict.WARNING, "not told"),
    ],
)
def test_free_space(printed: str, verdict: Verdict, found: str) -> None:
    finding = state_checks.check_space(visit_to(Shell(df=f"Filesystem\n{printed}\n")))
    check = report("free space", finding)
    assert (check.verdict, check.found) == (verdict, found)
    assert bool(check.advice) == (verdict is not Verdict.GOOD)


@pytest.mark.parametrize(
    ("level", "status", "source", "outcome"),
    [
        (80, 3, "USB", Outcome.BATTERY_FIT),
        (80, 2, "USB", Outcome.BATTERY_FIT),
        (80, 2, "AC", Outcome.BATTERY_HEATED),
        (80, 5, "AC", Outcome.BATTERY_FIT),
        (19, 2, "AC", Outcome.BATTERY_LOW),
    ],
)
def test_the_battery(level: int, status: int, source: str, outcome: Outcome) -> None:
    visit = visit_to(Shell())
    battery = Battery(30.0, level, charging=status == 2, powered_by=(source,))
    visit.__dict__["state"] = DeviceState(Temperatures(), battery, Screen(), None, None)
    assert state_checks.check_power(visit).outcome is outcome


def test_without_adb_the_rest_is_not_reached(no_programs: Path) -> None:
    first, *others = examine()
    assert (first.name, first.verdict, first.outcome) == ("adb", "failed", Outcome.ADB_MISSING)
    assert first.advice == "sudo apt-get install adb"
    assert [check.name for check in others] == list(checks_of("adb"))[1:]
    assert {check.verdict for check in others} == {Verdict.NOT_REACHED}
    assert not is_fit([first, *others])


def test_facts_are_written_as_people_do() -> None:
    facts = {
        "clocks": {6: (1209.6, 2600.0), 7: (2600.0, 2600.0)},
        "limit": 1209.6,
        "unused": "x",
    }
    check = report("frequency", Finding(Verdict.WARNING, Outcome.CLOCKS_LIMITED, facts))
    assert check.found == (
        "core 6: 1210 of 2600 MHz, core 7: 2600 of 2600 MHz; limited to 1210 MHz"
    )
    assert WRITTEN["clusters"]([("Cortex-A55", [0, 1, 2, 3]), ("Cortex-A76", [6, 7])]) == (
        "Cortex-A55 0-3, Cortex-A76 6-7"
    )


@pytest.mark.parametrize("device", ["emulated", "tracker:host:9190/key"])
def test_what_is_neither_phone_nor_board_is_not_examined(device: str) -> None:
    with pytest.raises(InputError, match=r"only phones and boards are examined; name one with --d"):
        examine(device)


def test_boards_are_not_asked_for_adb() -> None:
    phone, board = list(checks_of("adb:R58")), list(checks_of("ssh:pi@host"))
    assert phone[:3] == ["adb", "authorised", "arm64"]
    assert board == ["reached", *phone[3:]]
