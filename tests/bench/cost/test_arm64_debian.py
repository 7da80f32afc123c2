"""Two processes that prepare the same folder at once both get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cost.arm64_debian import put


def test_the_slower_of_two_takes_what_the_faster_made(tmp_path: Path) -> None:
    for name in ("faster", "slower"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
        put(tmp_path / name, tmp_path / "place")
    assert (tmp_path / "place" / "file").read_text() == "faster"


def test_other_failures_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        put(tmp_path / "none", tmp_path / "place")
