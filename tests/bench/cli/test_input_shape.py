"""A model that leaves its size open: each command says what to give, and takes it."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.report.reproduce import commands

Run = Callable[..., tuple[int, str, str]]
COMMANDS = {
    "eval": ("--data", "rooms", "--limit", "1"),
    "compare": ("--runtimes", "onnxruntime"),
    "profile": (),
    "compile": (),
    "quantise": ("--data", "rooms"),
    "rpc-measure": ("--device", "emulated"),
}


@pytest.fixture
def open_model(make_depth_model: Callable[..., Path]) -> Path:
    return make_depth_model("height", "width")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_open_size_is_one_line_with_the_option_to_give(
    run: Run, open_model: Path, command: str
) -> None:
    code, out, err = run(command, open_model, *COMMANDS[command])
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("depthbench: ")]
    assert "dynamic shape" in line
    assert "--input-shape" in line
    _, described, _ = run(command, "--help")
    assert "--input-shape" in described


def test_a_shape_that_is_given_is_scored(run: Run, open_model: Path) -> None:
    shape = ("--input-shape", "image=1x3x64x96")
    code, out, err = run("eval", open_model, *COMMANDS["eval"], *shape, "--json")
    assert code == 0, err
    assert json.loads(out)["input_size"] == [64, 96]


@pytest.mark.parametrize("given", [("--size", "64", "96"), ("--input-shape", "image=1x3x64x96")])
def test_warnings_records_and_what_reproduces_them_name_the_users_file(
    run: Run,
    open_model: Path,
    tmp_path: Path,
    given: tuple[str, ...],
    caplog: pytest.LogCaptureFixture,
) -> None:
    code, out, err = run("eval", open_model, *COMMANDS["eval"], *given, "--json")
    assert code == 0, err
    (warning,) = caplog.messages
    assert warning.startswith(f"{open_model}: ")
    record = json.loads(out)
    assert record["model_file"] == str(open_model)
    write, score = commands([record])
    subprocess.run(["sh", "-c", write], cwd=tmp_path, check=True)
    code, out, err = run(*shlex.split(score)[1:], "--json")
    assert code == 0, err
    again = json.loads(out)
    for name in ("input_size", "model_sha256", "rmse", "card"):
        assert again[name] == record[name]


def test_a_shape_that_is_given_is_timed(run: Run, open_model: Path) -> None:
    shape = ("--input-shape", "image=1x3x64x96")
    code, out, err = run("compare", open_model, *COMMANDS["compare"], "--rounds", "3", *shape)
    assert code == 0, err
    assert "onnxruntime" in out


def test_a_shape_that_does_not_fit_is_refused(run: Run, depth_model: Path) -> None:
    shape = ("--input-shape", "image=1x3x64x96")
    code, _, err = run("eval", depth_model, *COMMANDS["eval"], *shape)
    assert code == 2
    assert "fixed to another shape" in err
