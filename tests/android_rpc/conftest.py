"""The server's C sources as a library of this machine, and small stand-ins."""

from __future__ import annotations

import ctypes
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from android_rpc.bundle.native_program import SHARED


@pytest.fixture(scope="session")
def fuzz_folder() -> Path:
    return Path(__file__).parents[1] / "fuzz"


@pytest.fixture(scope="session")
def host_build(fuzz_folder: Path) -> dict[str, Any]:
    """What compiles the server's parsers for this machine, for the fuzzer and for tests."""
    return runpy.run_path(str(fuzz_folder / "build.py"))


@pytest.fixture(scope="session")
def host_compiler() -> tuple[str, ...]:
    """A compiler that stops a program where its behaviour is undefined."""
    checks = ("-fsanitize=undefined", "-fsanitize-trap=undefined")
    return (sys.executable, "-m", "ziglang", "cc", "-O1", *checks)


@pytest.fixture(scope="session")
def server_library(
    host_build: dict[str, Any],
    host_compiler: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> ctypes.CDLL:
    """Functions of the server, compiled for this machine with checks for undefined behaviour."""
    library = tmp_path_factory.mktemp("server") / "server.so"
    compiler = (*host_compiler, "-shared", "-fPIC")
    host_build["RPC"].build_parsers(library, compiler, SHARED / "log.c")
    return ctypes.CDLL(str(library))


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH on which nothing is installed; returns its only folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
