"""Two processes that prepare the same folder at once both get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.peers.arm64_debian import kept


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path))


def made(name: str, scratch: Path) -> Path:
    folder = scratch / "folder"
    folder.mkdir()
    (folder / "file").write_text(name)
    return folder


def test_the_slower_of_two_takes_what_the_faster_made() -> None:
    def slower(scratch: Path) -> Path:
        folder = made("slower", scratch)
        kept("place", 1, lambda own: made("faster", own))
        return folder

    place = kept("place", 1, slower)
    assert (place / "file").read_text() == "faster"
    assert kept("place", 1, slower) == place
    assert kept("place", 2, lambda own: made("other", own)) != place


def test_other_failures_are_told() -> None:
    with pytest.raises(FileNotFoundError):
        kept("place", 1, lambda scratch: scratch / "none")
