"""What is called like a network: the network, unless a path is meant."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

import depthbench
from bench.models import load_model, names_folder, names_path
from depthbench.errors import InputError

Run = Callable[..., tuple[int, str, str]]
NETWORK = "fastdepth_pruned"


def test_a_network_wins_over_a_folder_of_its_name(
    run: Run, depth_model: Path, tmp_path: Path
) -> None:
    (tmp_path / NETWORK).mkdir()
    (tmp_path / NETWORK / "notes.txt").write_text("of a training run")
    exported = replace(load_model(depth_model), name=NETWORK)
    with patch("bench.models.export_network", return_value=exported):
        code, out, err = run("eval", NETWORK, "--data", "rooms", "--limit", "1", "--json")
    assert code == 0, err
    assert json.loads(out)["model"] == NETWORK


@pytest.mark.parametrize("command", ["eval", "compile", "cost", "calibrate", "predict"])
@pytest.mark.parametrize("what", ["file", "compiled model"])
def test_both_could_be_meant(run: Run, tmp_path: Path, command: str, what: str) -> None:
    if what == "file":
        (tmp_path / NETWORK).write_bytes(b"onnx")
    else:
        (tmp_path / NETWORK).mkdir()
        (tmp_path / NETWORK / "manifest.json").write_text("{}")
    arguments = [NETWORK]
    if command == "predict":
        arguments = ["photo.png", "--model", NETWORK]
        shutil.copy(Path(__file__).parents[3] / "docs/images/demo.png", tmp_path / "photo.png")
    if command == "calibrate":
        arguments = [NETWORK, "photo.png", "--point", "photo.png:3,3=2"]
        shutil.copy(Path(__file__).parents[3] / "docs/images/demo.png", tmp_path / "photo.png")
    code, out, err = run(command, *arguments)
    assert (code, out) == (2, "")
    (line,) = [one for one in err.splitlines() if one.startswith("depthbench: ")]
    assert f"{NETWORK} is a network, and a {what} here; write ./{NETWORK}" in line


@pytest.mark.parametrize(
    ("what", "path"),
    [
        (NETWORK, False),
        (f"./{NETWORK}", True),
        (f"{NETWORK}.onnx", True),
        (f"models/{NETWORK}", True),
        ("mine", False),  # no network, and nothing is there
    ],
)
def test_a_path_has_a_separator_or_a_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, path: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NETWORK).mkdir()
    assert names_path(what) == path


def test_another_name_is_a_path_where_something_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert names_path("mine")
    assert names_folder("mine")
    assert not names_folder("theirs")


def test_a_path_of_python_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NETWORK).write_bytes(b"no model")
    with pytest.raises(InputError, match=rf"{NETWORK}: not an ONNX"):
        depthbench.compile(Path(NETWORK))


@pytest.mark.parametrize("command", ["eval", "profile", "compile", "tune"])
def test_a_network_leaves_no_input_open(run: Run, command: str) -> None:
    code, out, err = run(command, NETWORK, "--input-shape", "image=1x3x64x64")
    assert (code, out) == (2, "")
    (line,) = [one for one in err.splitlines() if one.startswith("depthbench: ")]
    assert f"depthbench export {NETWORK} --size HEIGHT WIDTH" in line
