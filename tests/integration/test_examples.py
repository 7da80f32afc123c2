"""The examples do what they say, as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from depthnet import open_dataset

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SMALL = "fastdepth_pruned"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


def run(folder: Path, script: str, *arguments: str) -> str:
    """What an example prints."""
    command = [sys.executable, str(EXAMPLES / script), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    scripts = {file.name for file in EXAMPLES.iterdir() if file.suffix in (".py", ".ipynb")}
    assert scripts == set(re.findall(r'"(\w+\.(?:py|ipynb))"', Path(__file__).read_text()))


def test_a_photo_becomes_a_depth_map(folder: Path) -> None:
    image = open_dataset("rooms")[0].image
    Image.fromarray(image).save(folder / "photo.jpg")
    said = run(folder, "depth_of_photo.py", "photo.jpg", "--model", SMALL, "--output", "depth.png")
    near, far = map(float, re.findall(r"\d+\.\d\d", said))
    depth = np.asarray(Image.open(folder / "depth.png")).astype(float) / 1000
    assert depth.shape == image.shape[:2]
    np.testing.assert_allclose([depth.min(), depth.max()], [near, far], atol=0.01)


def test_networks_are_scored_as_a_table(folder: Path) -> None:
    said = run(folder, "score_networks.py", SMALL, "--images", "2").splitlines()
    assert said[0] == "rooms, first 2 test images, protocol eigen"
    assert said[-1].split()[0] == SMALL
    assert said[1].split() == ["rmse", "rel", "delta1"]
    assert len([float(figure) for figure in said[-1].split()[1:]]) == 3


def test_a_network_is_timed_on_the_emulated_phone(folder: Path) -> None:
    said = run(folder, "measure_on_phone.py", SMALL, "--device", "emulated")
    assert f"{SMALL} on emulated-a76\nemulated cost, not latency: median" in said
    assert said.splitlines()[-1] == "valid"
    assert SMALL in (folder / "out/report.html").read_text()


def test_the_notebook_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(EXAMPLES / "first_steps.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit it without outputs"
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2
    assert (folder / "out/report.html").is_file()
