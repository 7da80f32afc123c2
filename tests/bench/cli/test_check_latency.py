"""`depthbench check --gate latency` and `depthbench diff`, from files to exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cli
from bench.records.record import Record, append_record

Make = Callable[..., Record]


@pytest.fixture
def history(tmp_path: Path, make_record: Make) -> Callable[..., Path]:
    """A file of latencies, one for each median, and more if asked."""

    def make(name: str, medians: list[float], **changes: Any) -> Path:
        path = tmp_path / name
        for hour, median in enumerate(medians):
            sessions = median + np.random.default_rng(hour).normal(0, 0.3, (3, 100))
            record = make_record(
                "latency",
                p50_ms=float(np.median(sessions)),
                p90_ms=float(np.percentile(sessions, 90)),
                samples_ms=sessions.ravel().tolist(),
                sessions=sessions.tolist(),
                **changes,
            )
            append_record(path, {**record, "time": f"2026-01-01T{hour:02}:00:00+00:00"})
        return path

    return make


STEADY = [60.0, 60.4, 59.8, 60.1, 60.3, 59.9]


def test_a_slower_run_fails_the_gate(
    history: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, slow = history("good.jsonl", [*STEADY, 60.2]), history("slow.jsonl", [*STEADY, 63.2])
    check = ["check", "--gate", "latency", "--records"]
    assert cli.run([*check, str(good)]) == 0
    assert "latency: tiny for arm64-a76 on phone: good" in capsys.readouterr().out
    assert cli.run([*check, str(slow)]) == 1
    assert "SLOWER (FAI-PEP and prediction interval)" in capsys.readouterr().out
    assert cli.run([*check, str(slow), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["latency"]["newest"][0]["slower"]
    assert not document["good"]


def test_unlike_conditions_are_said_in_one_line(
    history: Callable[..., Path], capsys: pytest.CaptureFixture[str], make_record: Make
) -> None:
    path = history("records.jsonl", STEADY)
    conditions = make_record("latency")["conditions"]
    append_record(path, make_record("latency", conditions={**conditions, "precision": "fp16"}))
    assert cli.run(["check", "--gate", "latency", "--records", str(path)]) == 0
    told, line = capsys.readouterr().out.splitlines()
    assert told == "latency: nothing was judged: no latency has a history"
    assert line.endswith("now and in the last other one, precision: fp16 and fp32")


def test_strict_fails_where_nothing_was_judged(
    history: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, steady = history("first.jsonl", STEADY[:1]), history("steady.jsonl", STEADY)
    check = ["check", "--gate", "latency", "--strict", "--records"]
    assert cli.run([*check, str(first)]) == 1
    assert "nothing was judged" in capsys.readouterr().out
    assert cli.run([*check, str(steady)]) == 0


def test_no_latency_and_nothing_to_update(
    tmp_path: Path,
    make_record: Make,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["check", "--gate", "latency"]) == 0
    assert "nothing was judged: there are no latencies" in capsys.readouterr().out
    assert cli.run(["check", "--gate", "latency", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["latency"] == {"good": True, "judged": False, "newest": []}
    assert cli.run(["check", "--gate", "latency", "--update", "--reason", "x"]) == 2
    assert "latency has no baseline" in capsys.readouterr().err
    assert cli.run(["check", "--gate", "latency", "--records", "none.jsonl"]) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_diff_prints_the_ratio_and_refuses_unlike_conditions(
    history: Callable[..., Path], capsys: pytest.CaptureFixture[str], make_record: Make
) -> None:
    a, b = history("a.jsonl", [60.0]), history("b.jsonl", [66.0])
    assert cli.run(["diff", str(a), str(b)]) == 0
    assert "1.100 (" in capsys.readouterr().out
    assert cli.run(["diff", str(a), str(b), "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)["compared"]
    assert pair["low"] < 1.1 < pair["high"]
    conditions = {**make_record("latency")["conditions"], "threads": 2}
    other = history("other.jsonl", [66.0], conditions=conditions)
    assert cli.run(["diff", str(a), str(other)]) == 1
    assert "not compared: tiny for arm64-a76 on phone: threads: 1 and 2" in capsys.readouterr().out
    assert cli.run(["diff", str(a), "none.jsonl"]) == 2
    assert "none.jsonl" in capsys.readouterr().err
