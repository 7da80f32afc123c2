"""The action's steps, taken from action.yml and run as GitHub runs them, and what copies use it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from bench import cli

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
RUN = [step for step in STEPS if "run" in step]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass(frozen=True)
class Ran:
    """How a step ended, what it set as outputs, and what it wrote into the run's summary."""

    code: int
    outputs: dict[str, str]
    summary: str
    text: str


Runner = Callable[..., Ran]


@pytest.fixture
def run_step(tmp_path: Path) -> Runner:
    """Run a step by its name, in the folder `workspace`, with `given` for expressions."""
    workspace, temporary = tmp_path / "work space", tmp_path / "runner temp"
    for folder in (workspace, temporary):
        folder.mkdir()

    def run(name: str, **given: str) -> Ran:
        (step,) = [step for step in RUN if step["name"] == name]
        defaults = {key: str(each.get("default", "")) for key, each in ACTION["inputs"].items()}
        known = {f"inputs.{key}": value for key, value in defaults.items()}
        known |= {f"inputs.{key.replace('_', '-')}": value for key, value in given.items()}
        known["steps.python.outputs.python-path"] = given.get("python", sys.executable)
        files = {key: tmp_path / key for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(temporary),
            **{key: str(file) for key, file in files.items()},
            **{
                key: EXPRESSION.sub(lambda found: known[found[1]], value)
                for key, value in step.get("env", {}).items()
            },
        }
        script = tmp_path / "step.sh"
        script.write_text(step["run"])
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        done = subprocess.run(
            command, cwd=workspace, env=environment, capture_output=True, text=True
        )
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return Ran(done.returncode, outputs, summary, done.stdout + done.stderr)

    return run


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("step", RUN, ids=lambda step: step["name"])
def test_inputs_reach_a_shell_through_its_environment_only(step: dict[str, Any]) -> None:
    assert step["shell"] == "bash"
    assert not EXPRESSION.search(step["run"])


def test_inputs_and_steps_are_those_that_are_used() -> None:
    used = set(re.findall(r"inputs\.([\w-]+)", str(ACTION["runs"])))
    assert used == set(ACTION["inputs"])
    named = set(re.findall(r"steps\.(\w+)\.", str(ACTION)))
    assert named == {step["id"] for step in STEPS if "id" in step}
    outputs = set(re.findall(r"steps\.check\.outputs\.(\w+)", str(ACTION["outputs"])))
    assert outputs == set(ACTION["outputs"])


def test_actions_are_pinned_by_their_major_version() -> None:
    uses = [step["uses"] for step in STEPS if "uses" in step]
    assert uses
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", use) for use in uses)


NASTY = (
    "my models/net 1.onnx",
    "$(touch pwned)`touch pwned`;touch pwned",
    "--update",
    'it\'s "quoted" \\ * ?',
    "ü\n&& touch pwned",
)


@pytest.mark.parametrize("text", NASTY)
def test_any_input_is_one_argument(run_step: Runner, tmp_path: Path, text: str) -> None:
    seen = tmp_path / "seen"
    venv = tmp_path / "runner temp" / "depthbench" / "bin"
    program(venv / "depthbench", f"printf '%s\\0' \"$@\" > {shlex.quote(str(seen))}; exit 1")
    given = {"model": text, "baseline": text, "data": text, "card": text, "records": text}
    ran = run_step("Check the model", **given, gates="accuracy, latency\n")
    assert (ran.code, ran.outputs["verdict"]) == (1, "failed")
    words = seen.read_text().split("\0")[:-1]
    assert (words[0], words[-2:]) == ("check", ["--", text])
    for option in ("--against", "--data", "--card", "--records"):
        assert words[words.index(option) + 1] == text
    assert [words[i + 1] for i, word in enumerate(words) if word == "--gate"] == [
        "accuracy",
        "latency",
    ]
    assert not list(tmp_path.rglob("pwned"))


def test_more_arguments_are_quoted_as_in_a_shell(run_step: Runner, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    venv = tmp_path / "runner temp" / "depthbench" / "bin"
    program(venv / "depthbench", f"printf '%s\\0' \"$@\" > {shlex.quote(str(seen))}")
    more = "--split 'my split'\n --limit 2 --reason \"a $(touch pwned) *\""
    ran = run_step("Check the model", model="m", baseline="b", arguments=more)
    assert (ran.code, ran.outputs["verdict"]) == (0, "good")
    words = seen.read_text().split("\0")[:-1]
    assert words[-8:] == [
        *("--split", "my split", "--limit", "2", "--reason", "a $(touch pwned) *"),
        *("--", "m"),
    ]
    seen.unlink()
    ran = run_step("Check the model", model="m", baseline="b", arguments="--reason 'open")
    assert (ran.code != 0, ran.outputs["verdict"]) == (True, "error")
    assert not seen.exists()


@pytest.fixture
def checked(tmp_path: Path, run_step: Runner) -> Path:
    """The workspace with a model, a changed one and a baseline of accuracy; depthbench is real."""
    place = tmp_path / "work space" / "my models"
    place.mkdir()
    for name, weights in (("net", [0.0, 1.0, 0.0]), ("changed/net", [0.0, 0.0, 1.0])):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 24, 32])
        depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 24, 32])
        weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], weights)
        node = helper.make_node("Conv", ["image", "w"], ["depth"], "conv")
        graph = helper.make_graph([node], "net", [image], [depth], [weight])
        opset = [helper.make_opsetid("", 18)]
        path = place / f"{name}.onnx"
        path.parent.mkdir(exist_ok=True)
        onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    written = ["--against", str(place / "base line.json"), "--gate", "accuracy", "--update"]
    use = ["--data", "rooms", "--limit", "1", "--meaning", "metres"]
    assert cli.run(["check", str(place / "net.onnx"), *use, *written]) == 0
    real = shlex.join(["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "bench.cli"])
    program(tmp_path / "runner temp/depthbench/bin/depthbench", f'exec {real} "$@"')
    return place


@pytest.mark.parametrize(
    ("model", "code", "verdict", "says"),
    [
        ("net.onnx", 0, "good", "figures are as good as they were"),
        ("changed/net.onnx", 1, "failed", "initializer w of node conv"),
        ("gone.onnx", 2, "error", "no such file"),
    ],
)
def test_a_check_ends_in_verdict_summary_and_junit(
    checked: Path, run_step: Runner, model: str, code: int, verdict: str, says: str
) -> None:
    given = {"model": f"my models/{model}", "baseline": "my models/base line.json"}
    ran = run_step("Check the model", **given, data="rooms")
    assert (ran.code, ran.outputs["verdict"]) == (code, verdict), ran.text
    assert says in ran.summary
    results = Path(ran.outputs["results"])
    assert sorted(file.name for file in results.iterdir()) == ["junit.xml", "summary.md"]
    root = ElementTree.parse(results / "junit.xml").getroot()
    assert (root.get("failures") != "0", root.get("errors") != "0") == (code == 1, code == 2)


def test_pips_cache_is_found_and_its_key_follows_what_is_installed(run_step: Runner) -> None:
    ran = run_step("Find pip's cache")
    assert ran.code == 0, ran.text
    assert Path(ran.outputs["folder"]).is_absolute()
    assert re.fullmatch("[0-9a-f]{64}", ran.outputs["hash"])


def test_it_is_installed_from_its_own_path(run_step: Runner, tmp_path: Path) -> None:
    log = tmp_path / "log"
    made = tmp_path / "runner temp/depthbench/bin/python"
    say = f'for word in "$@"; do echo "$word" >> {shlex.quote(str(log))}; done'
    program(made, say)
    program(tmp_path / "python", say)
    index = "https://wheels.example/a b"
    ran = run_step("Install depthbench", python=str(tmp_path / "python"), torch_index=index)
    assert ran.code == 0, ran.text
    words = log.read_text().splitlines()
    assert words[:3] == ["-m", "venv", str(made.parents[1])]
    assert words[words.index("--extra-index-url") + 1] == index
    assert words[words.index("-c") + 1] == str(ROOT / "constraints.txt")
    assert words[-1] == str(ROOT)
    assert (ROOT / "setup.cfg").is_file()


def workflows() -> list[dict[str, Any]]:
    """Every use of the action in the example and the page."""
    example = yaml.safe_load((ROOT / "examples/github_workflow.yml").read_text())
    steps = [step for job in example["jobs"].values() for step in job["steps"]]
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/ci.md").read_text(), re.DOTALL)
    for block in map(yaml.safe_load, blocks):
        steps += block if isinstance(block, list) else []
    return [step for step in steps if "/depthbench@" in step.get("uses", "")]


def test_what_is_to_be_copied_gives_the_inputs_that_there_are() -> None:
    uses = workflows()
    assert len(uses) == 2
    required = {name for name, each in ACTION["inputs"].items() if each.get("required")}
    for use in uses:
        assert required <= set(use["with"]) <= set(ACTION["inputs"])


def test_the_page_tells_every_input() -> None:
    page = (ROOT / "docs/ci.md").read_text()
    told = re.findall(r"^\| `([\w-]+)` \|", page.partition("| input |")[2], re.MULTILINE)
    assert told == list(ACTION["inputs"])
