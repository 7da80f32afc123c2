"""What the fault matrix of boards works with: the model that misbehaves, commands, one board."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from compile.artefact import LIBRARY, Artefact, finish
from compile.pipeline import compile_model
from tests.integration.adb.faults.command_line import Commands
from tests.integration.adb.faults.conftest import build_library
from tests.integration.ssh.conftest import BoardDouble

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def artefact(model: Path) -> Path:
    """The model compiled as `depthbench compile` does, then its code replaced by `kernel.c`."""
    made = compile_model(model, "arm64-a76", model.parent / "tiny-arm64-a76")
    folder = model.parent / "faulty-arm64-a76"
    shutil.copytree(made.folder, folder)
    build_library(folder / LIBRARY)
    manifest = {key: made.manifest[key] for key in made.manifest if key not in ("schema", "files")}
    return Artefact(folder, finish(folder, manifest)).folder


@pytest.fixture(scope="module")
def commands(one_board: BoardDouble) -> Iterator[Commands]:
    path = f"{one_board.programs}{os.pathsep}{os.environ['PATH']}"
    commands = Commands({"PATH": path, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"})
    yield commands
    commands.close()
