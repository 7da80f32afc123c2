"""Files that are no arm64 library are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cost.counting.library import read_library
from depthbench.errors import InputError

HEADER = b"\x7fELF\x02\x01" + bytes(12) + (183).to_bytes(2, "little")
X86 = b"\x7fELF\x02\x01" + bytes(12) + (62).to_bytes(2, "little") + bytes(44)


@pytest.mark.parametrize("content", [b"", b"code" * 25, X86, HEADER, HEADER + b"\xff" * 44])
def test_what_is_no_arm64_library_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.so"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.so"):
        read_library(file)
