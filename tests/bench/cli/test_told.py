"""What a command tells while it works and of its choices, on stderr; and what it records."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli import options, progress

Run = Callable[..., tuple[int, str, str]]
SCORED = ("--data", "rooms", "--limit", "1")


def test_eval_records_where_report_looks(run: Run, depth_model: Path, tmp_path: Path) -> None:
    code, out, err = run("eval", depth_model, *SCORED, "--json")
    assert code == 0, err
    (line,) = (tmp_path / "out" / "records.jsonl").read_text().splitlines()
    assert json.loads(line) == json.loads(out)
    code, out, _ = run("report")
    assert code == 0
    assert "## tiny" in out


def test_eval_records_where_it_is_told_to(run: Run, depth_model: Path, tmp_path: Path) -> None:
    code, _, err = run("eval", depth_model, *SCORED, "--records", "mine.jsonl")
    assert code == 0, err
    assert [path.name for path in tmp_path.glob("**/*.jsonl")] == ["mine.jsonl"]


def test_off_a_terminal_a_short_command_tells_nothing(run: Run, depth_model: Path) -> None:
    _, _, err = run("eval", depth_model, *SCORED)
    assert err == ""


@pytest.mark.parametrize("first", [True, False])
def test_verbose_tells_every_step(run: Run, depth_model: Path, first: bool) -> None:
    command = ("eval", depth_model, *SCORED)
    _, _, err = run(*(("-v", *command) if first else (*command, "-v")))
    assert "rooms, protocol eigen: 1 of 1" in err
    assert all(line.startswith("[") for line in err.splitlines())


def test_off_a_terminal_long_work_tells_its_latest_step_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    monkeypatch.setattr("bench.cli.progress.click.echo", lambda line, err: told.put(line))
    with progress.status() as show:
        show("lowering")
        assert told.get(timeout=10).endswith("] lowering")
        show("linking")
        assert told.get(timeout=10).endswith("] linking")
    assert told.empty()  # each only once


def test_no_phone_is_a_note_and_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "android_rpc.devices.factory.default_device", lambda: ("emulated", "no phone is connected")
    )
    assert options.default_device() == "emulated"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: the emulated phone is used")
    assert "no phone is connected" in line
