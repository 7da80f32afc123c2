"""The wheel holds all that is needed: it is built, installed elsewhere, and used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import onnx
import pytest
from onnx import helper

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("depthbench", "depthnet", "compile", "android_rpc", "bench")
BESIDE = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")


def run(command: Sequence[str | Path], folder: Path) -> str:
    """What a command prints in `folder`, with no path to the checkout."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=unwanted)
    for name in BESIDE:
        shutil.copy(ROOT / name, source)
    options = ("--no-deps", "--no-build-isolation", "--no-index", "-w", source / "dist")
    run([*PIP, "wheel", *options, source], source)
    (found,) = (source / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel, and what it depends on from this one's."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    run([*PIP, "--python", python, "install", "--no-deps", "--no-index", wheel], folder)
    (packages,) = folder.glob("lib/*/site-packages")
    # a path file within that folder, such as that of an editable installation, is not followed
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    files = {
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == files


def test_it_is_imported_from_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    program = "import depthbench as d, bench; print(d.__file__, bench.__file__, *d.__all__)"
    first, second, *names = run([installed / "python", "-c", program], tmp_path).split()
    assert Path(first).is_relative_to(installed.parent)
    assert Path(second).is_relative_to(installed.parent)
    assert "predict" in names


def test_the_command_lists_the_networks(installed: Path, tmp_path: Path) -> None:
    networks = json.loads(run([installed / "depthbench", "models", "--json"], tmp_path))
    trained = {network["name"] for network in networks if network["trained"]}
    mobilenets = {"mobilenet_v1_add", "mobilenet_v2_cat"}
    assert trained == {"mobiledepth", "efficientnet_l2_cat", *mobilenets}


def test_a_model_is_counted_by_what_the_wheel_brings(installed: Path, tmp_path: Path) -> None:
    ports = [helper.make_tensor_value_info(name, 1, [1, 4, 8, 8]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ports[:1], ports[1:])
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "m.onnx")
    record = json.loads(run([installed / "depthbench", "cost", "m.onnx", "--json"], tmp_path))
    assert (record["kind"], record["model"]) == ("cost", "m")
    assert 4 * 8 * 8 / 4 < record["instructions"] < 10_000


def test_the_weights_and_the_baselines_are_read(installed: Path, tmp_path: Path) -> None:
    program = (
        "from depthnet import build, zoo\n"
        "from bench.paper.measured import read_measured\n"
        "from bench.gates import instruction_gate\n"
        "build(zoo.get('mobiledepth'))\n"
        "print(len(read_measured()['cost']))\n"
        "print(instruction_gate.read_counts(instruction_gate.SHIPPED)['network'])\n"
    )
    counted, network = run([installed / "python", "-c", program], tmp_path).split()
    assert int(counted) >= 31
    assert network == "mobiledepth"
