"""What is no ONNX file is refused in one line, before it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.models import load_model
from depthbench.errors import InputError


def test_a_file_above_2_gib_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate((1 << 31) + 1)  # takes no room on the disk
    with pytest.raises(InputError, match=r"huge\.onnx is larger than 2 GiB"):
        load_model(path)
