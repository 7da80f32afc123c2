"""What the fault matrix of boards works with: the model that misbehaves, commands, one board."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.adb.faults.command_line import Commands
from tests.integration.adb.faults.conftest import make_faulty
from tests.integration.ssh.conftest import BoardDouble

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def artefact(model: Path) -> Path:
    return make_faulty(model)


@pytest.fixture(scope="module")
def commands(one_board: BoardDouble) -> Iterator[Commands]:
    path = f"{one_board.programs}{os.pathsep}{os.environ['PATH']}"
    commands = Commands({"PATH": path, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"})
    yield commands
    commands.close()
