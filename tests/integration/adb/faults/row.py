"""One row of a fault matrix, and what is checked when its command has ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import FAULT
from tests.integration.adb.faults.case import HOUR_S, MID_SAMPLING, SAMPLES, Case
from tests.integration.adb.faults.command_line import Command

Note = Callable[[str, object], None]
HOLDS = {"first run": "1 wait", "mid-sampling": f"{MID_SAMPLING} wait"}


@dataclass(frozen=True)
class Row:
    """A fault: done before the command starts (`arm`), or while the model is held (`strike`).

    `says` is in the one line that the user sees (none when empty); `exit_code` is the command's.
    `kept` tells what becomes of the samples: there are none, they are in a record that is invalid
    (with that line among its reasons, or with `reason`), or in a valid one.
    """

    fault: str
    stage: str
    says: str = ""
    exit_code: int = 3
    kept: str = "invalid"
    reason: str = ""
    arm: Callable[[Case], object] | None = None
    strike: Callable[[Case], object] | None = None
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.fault}, {self.stage}"


def check_end(row: Row, code: int, command: Command) -> None:
    """The line, the exit code, and what became of the samples."""
    errors = command.text("stderr")
    assert code == row.exit_code, errors
    assert "Traceback" not in errors
    if row.says:
        assert re.search(row.says, line_of(command)), errors
        assert len(errors.strip().splitlines()) == 1, errors
        assert len(errors) < 450
    else:
        assert errors == ""
    records = command.records()[:1]
    delivered = command.delivered_ms()
    assert len(records) == (row.kept != "none")
    for record in records:
        assert record["samples_ms"] == pytest.approx(delivered)
        assert record["valid"] == (row.kept == "valid"), record["reasons"]
        assert max(delivered) < HOUR_S / 2 * 1e3
        said = row.reason or re.escape(line_of(command).removeprefix("depthbench: "))
        assert not said or any(re.search(said, reason) for reason in record["reasons"])
        assert len(delivered) >= (SAMPLES if row.kept == "valid" else 1)


def line_of(command: Command) -> str:
    return command.text("stderr").strip()


def note(
    record_property: Note,
    fault: str,
    when: str,
    command: Command,
    left: list[str],
    seconds: float,
    reason: str = "",
) -> None:
    """A line for the table at the end; see `tests/conftest.py`."""
    records = command.records()[:1]  # another client may have measured into the same file
    kept = sum(len(record["samples_ms"]) for record in records)
    row = {
        "fault": fault,
        "when": when,
        "outcome": line_of(command).removeprefix("depthbench: ") or reason or "measured",
        "samples kept": f"{kept} of {len(command.delivered_ms())}",
        "processes left": len(left),
        "usable after": f"{seconds:.1f} s",
    }
    record_property(FAULT, row)
