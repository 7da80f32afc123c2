"""`depthbench history`: text, JSON, files, and bad input in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.record import Record, append_record

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., Record]


@pytest.fixture
def records(tmp_path: Path, make_record: Make) -> Path:
    path = tmp_path / "measured" / "records.jsonl"
    for day, delta1 in enumerate((0.31, 0.31, 0.25), start=1):
        record = make_record("accuracy", model="own", delta1=delta1)
        record["time"] = f"2026-01-{day:02}T00:00:00+00:00"
        record["conditions"]["git"] = {"commit": f"{day:040x}", "dirty": day == 2}
        append_record(path, record)
    append_record(path, make_record("latency", model="mobiledepth"))
    return path


def test_text_names_figures_and_jumps(run: Run, records: Path) -> None:
    code, out, _ = run("history", "own", "--records", records)
    assert code == 0
    assert out.startswith("own: 3 records of 3 commits, 2026-01-01 to 2026-01-03\n")
    assert "2026-01-03 at 0000000, after 0000000*\n  WORSE: δ1 0.310 → 0.250 (-0.060" in out
    assert "accuracy: protocol eigen: nyu, test, 50 images" in out


def test_a_model_may_be_named_by_its_file_and_is_else_the_flagship(run: Run, records: Path) -> None:
    code, out, _ = run("history", "nets/own.onnx", "--records", records, "--json")
    assert (code, json.loads(out)["model"]) == (0, "own")
    code, out, _ = run("history", "--records", records, "--json")
    assert (code, json.loads(out)["records"]) == (0, 1)


@pytest.mark.parametrize("name", ["h.html", "h.csv", "h.json"])
def test_a_file_is_written_by_its_ending(
    run: Run, records: Path, tmp_path: Path, name: str
) -> None:
    code, _, err = run("history", "own", "--records", records, "-o", name)
    assert code == 0, err
    assert "0.25" in (tmp_path / name).read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("onw",), "no record of 'onw'; did you mean 'own'?"),
        (("own", "-o", "history.xlsx"), ".html, .csv or .json"),
    ],
)
def test_bad_input_is_one_line(
    run: Run, records: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run("history", *arguments, "--records", records)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("content", ["", "{}", "not a record", None])
def test_files_without_records_are_bad_input(run: Run, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "records.jsonl"
    if content is not None:
        path.write_text(content and f"{content}\n")
    code, out, err = run("history", "own", "--records", path)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
