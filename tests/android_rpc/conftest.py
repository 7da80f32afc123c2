"""The server's C sources as a library of this machine, and small stand-ins."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from android_rpc.server_build import SOURCE

# What needs no TVM: everything that parses what comes from outside.
PARSERS = ("cpu_list", "events", "handshake", "log", "net", "options", "tracker", "workspace")


@pytest.fixture(scope="session")
def server_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Functions of the server, compiled for this machine with checks for undefined behaviour."""
    library = tmp_path_factory.mktemp("server") / "server.so"
    sources = [str(SOURCE / f"{name}.c") for name in PARSERS]
    command = [sys.executable, "-m", "ziglang", "cc", "-std=gnu11", "-shared", "-fPIC", "-O1"]
    command += ["-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fsanitize-trap=undefined"]
    subprocess.run([*command, "-o", str(library), *sources, "-lm"], check=True)
    return ctypes.CDLL(str(library))


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH on which nothing is installed; returns its only folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
