"""A compiler that fails for want of room: the disk is full, and it says so."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from compile.package import toolchain
from depthbench.errors import ToolMissing


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """C that does not compile, beside four million bytes that go with it."""
    (tmp_path / "weights").write_bytes(bytes(4_000_000))
    source = tmp_path / "broken.c"
    source.write_text("int f(void) { return }\n")
    return source


@pytest.mark.parametrize("free", [0, 4_000_000])
def test_a_disk_with_less_room_than_the_parts_is_full(broken: Path, free: int) -> None:
    with (
        patch.object(shutil, "disk_usage", return_value=SimpleNamespace(free=free)),
        pytest.raises(OSError, match="No space left") as caught,
    ):
        toolchain.compile_source(broken, toolchain.get("host"), broken.with_suffix(".o"))
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename


def test_with_room_the_compilers_own_error_is_told(broken: Path) -> None:
    with (
        patch.object(shutil, "disk_usage", return_value=SimpleNamespace(free=10**8)),
        pytest.raises(ToolMissing, match=r"broken\.o cannot be made with ziglang: .*error"),
    ):
        toolchain.compile_source(broken, toolchain.get("host"), broken.with_suffix(".o"))
