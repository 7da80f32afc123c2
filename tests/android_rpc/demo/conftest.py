"""The demo server's C sources as a library of this machine."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from android_rpc.bundle.native_program import SHARED
from android_rpc.demo.demo_program import SOURCE


@pytest.fixture(scope="session")
def demo_library(
    host_build: dict[str, Any],
    host_compiler: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> ctypes.CDLL:
    """Functions of the server, compiled with checks for undefined behaviour."""
    library = tmp_path_factory.mktemp("demo") / "demo.so"
    others = [SOURCE / "package.c", SOURCE / "report.c", SHARED / "log.c"]
    host_build["DEMO"].build_parsers(library, (*host_compiler, "-shared", "-fPIC"), *others)
    return ctypes.CDLL(str(library))
