"""`depthbench sweep` as a person runs it: to its end, interrupted, killed, and again."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench import cli
from bench.records.record import read_records
from bench.report.first_screen.sheets import find_sheet

MakeModel = Callable[..., Path]
LIMIT_S = 120.0


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, make_model_in: MakeModel) -> Path:
    """Two models, of which one may have any size, in two precisions; nothing that takes TVM."""
    folder = tmp_path_factory.mktemp("sweep")
    make_model_in(folder, "fixed", (32, 32), gain=2.0)
    make_model_in(folder, "open", ("h", "w"), gain=3.0)
    return write(
        folder / "plan.toml",
        'models = ["fixed.onnx", "open.onnx"]\nsizes = [32]\nprecisions = ["fp32", "int8"]\n'
        'runtimes = ["onnxruntime"]\ndevices = ["host"]\n'
        'calibration = {data = "rooms", images = 1}\nscore = {data = "rooms", images = 2}\n'
        "measure.rounds = 3\nanswer = {at_least.delta1 = 0.01, at_most.ms = 1000}\n",
    )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def sweep(*arguments: object) -> tuple[int, Any]:
    """Exit code of a sweep in this process, and its document or what it said instead."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(["sweep", *map(str, arguments), "--json"])
    return code, json.loads(out.getvalue()) if out.getvalue() else err.getvalue()


def journal(out: Path) -> list[dict[str, Any]]:
    lines = [line for file in out.glob("*/log.jsonl") for line in file.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def test_a_dry_run_writes_nothing(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plan.parent)
    before = sorted(plan.parent.iterdir())
    code, document = sweep(plan, "--out", "nothing", "--dry-run")
    assert code == 0
    assert {row["state"] for row in document["cells"]} == {"not finished"}
    assert sorted(plan.parent.iterdir()) == before


@pytest.fixture(scope="module")
def swept(plan: Path) -> Path:
    """The folder of the plan's results, made by one worker."""
    out = plan.parent / "out1"
    with contextlib.chdir(plan.parent):
        assert sweep(plan, "--workers", 1, "--out", out)[0] == 0
    return out


def test_a_sweep_is_the_same_on_one_worker_and_on_two(
    plan: Path, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plan.parent)
    out = plan.parent / "out2"
    assert sweep(plan, "--workers", 2, "--out", out)[0] == 0
    one, two = ((folder / "sweep-plan/canonical.json").read_bytes() for folder in (swept, out))
    assert one == two
    assert len(json.loads(one)) == 8  # but for times
    assert len({line["key"] for line in journal(out)}) == len(journal(out)) == 12


def test_what_is_done_is_not_done_again_and_tells_what_its_figures_are(
    plan: Path, swept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plan.parent
    monkeypatch.chdir(folder)
    done = len(journal(swept))
    _, planned = sweep(plan, "--out", swept, "--dry-run")
    assert {status for row in planned["cells"] for status in row["steps"].values()} == {
        "done before"
    }
    code, document = sweep(plan, "--out", swept)
    assert code == 0
    assert len(journal(swept)) == done

    first, int8 = document["cells"][:2]
    assert (int8["model"], int8["precision"]) == ("fixed", "int8")
    assert int8["accuracy"]["precision"] == "int8"
    (answer,) = document["answers"]
    fastest = min(document["cells"], key=lambda row: row["figures"]["ms"])
    assert answer["best"]["figures"] == fastest["figures"]
    records = read_records(swept / "sweep-plan/records.jsonl")
    assert [record["kind"] for record in records] == ["accuracy"] * 4
    by_file = {record["model_file"]: record for record in records}
    assert by_file["fixed.onnx"]["delta1"] == first["figures"]["delta1"]
    assert by_file["open.onnx"]["input_shapes"] == {"image": [1, 3, 32, 32]}
    assert all((folder / file).is_file() for file in by_file)
    assert [record["conditions"].get("precision") for record in records[:2]] == [None, "int8"]
    assert all(find_sheet(record, [swept / "sweep-plan"]) for record in records)
    report = (swept / "sweep-plan/report.html").read_text()
    assert 'src="data:image/webp' in report


def test_a_cell_that_fails_is_marked_and_the_others_go_on(
    tmp_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_model("good", gain=2.0)
    make_model("bad", gain=float("nan"))
    plan = write(
        tmp_path / "plan.toml",
        'models = ["bad.onnx", "good.onnx"]\nruntimes = ["onnxruntime"]\ndevices = ["host"]\n'
        'score = {data = "rooms", images = 1}\nmeasure.rounds = 3\n',
    )
    code, document = sweep(plan, "--workers", "1")
    assert code == 1
    bad, good = document["cells"]
    assert (bad["state"], good["state"]) == ("failed", "done")
    assert any(line.startswith("score: the prediction for") for line in bad["why"])
    assert any(line.startswith("measure: nothing to compare with") for line in bad["why"])


def test_faults_of_options_are_told_by_option() -> None:
    arguments = ("--model", "mobiledepth", "--size", "100", "--device", "phone", "--best", "speed")
    code, told = sweep(*arguments, "--data", "rooms")
    assert code == 2
    assert [line.split(": ")[1] for line in told.splitlines()] == ["--device", "--best", "--size"]
    code, told = sweep("--model", "mobiledepth", "--ray", "127.0.0.1:1", "--workers", "2")
    assert code == 2
    assert "--workers are processes of this machine" in told


def test_a_figure_has_one_limit() -> None:
    model = ("--model", "mobiledepth")
    code, told = sweep(*model, "--no-score", "--at-most", "ms=40", "--at-most", "ms=30")
    assert (code, told) == (2, "depthbench: --at-most: ms has two limits; give one\n")


def test_an_empty_address_is_no_wish_for_workers_here(
    tmp_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--model", make_model(), "--runtime", "onnxruntime", "--device", "host")
    code, told = sweep(*options, "--data", "rooms", "--limit", 1, "--ray", "")
    assert code == 2
    assert "no HOST:PORT" in told


def test_a_place_that_takes_no_folder_is_bad_input(
    tmp_path: Path, make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, told = sweep("--model", make_model(), "--no-score", "--out", "/proc/x")
    assert code == 2
    assert "/proc/x" in told


def begin(plan: Path) -> subprocess.Popen[str]:
    """Start the sweep, and wait for a worker to end a step."""
    scored = scores(plan)
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "sweep", str(plan), "--workers", "2"],
        cwd=plan.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + LIMIT_S
    while scores(plan) == scored:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


def scores(plan: Path) -> int:
    return sum(line["kind"] == "score" for line in journal(plan.parent / "out"))


@pytest.fixture
def many(tmp_path: Path, make_model: MakeModel) -> Path:
    """A plan of four scores, which take a while each."""
    names = [make_model(f"model{number}", gain=1.0 + number).name for number in range(4)]
    return write(
        tmp_path / "plan.toml",
        f"models = {json.dumps(names)}\nruntimes = ['onnxruntime']\ndevices = ['host']\n"
        "score = {data = 'rooms', images = 4}\nmeasure.rounds = 3\n",
    )


def test_a_sweep_that_is_ended_leaves_nothing_and_goes_on(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        scored = len(journal(tmp_path / "out"))
        with begin(many) as process:
            inside = psutil.Process(process.pid).children(recursive=True)
            assert len(inside) >= 2
            os.kill(process.pid, number)
            errors = process.communicate(timeout=LIMIT_S)[1]
        assert not psutil.wait_procs(inside, timeout=20)[1]
        assert process.returncode == {signal.SIGINT: 130}.get(number, -number)
        assert ("depthbench: interrupted" in errors) == (number == signal.SIGINT)
        assert scored < len(journal(tmp_path / "out")) < 12

    before = [line["key"] for line in journal(tmp_path / "out")]
    monkeypatch.chdir(tmp_path)
    code, document = sweep(many, "--workers", "2")
    assert code == 0
    assert {row["state"] for row in document["cells"]} == {"done"}
    keys = [line["key"] for line in journal(tmp_path / "out")]
    assert keys[: len(before)] == before
    assert len(set(keys)) == len(keys) == 12
    assert not list((tmp_path / "out/sweep").glob(".scratch-*"))
