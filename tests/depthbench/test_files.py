"""Files are written whole, whoever else writes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest

from bench.records.record import append_record
from depthbench.files import write_whole


def append_nothing(path: Path) -> None:
    append_record(path, {})


SIZE, TIMES, WRITERS = 100_000, 12, 4


def test_of_several_writers_at_a_time_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write(writer: int) -> set[bytes]:
        seen = set()
        for _ in range(TIMES):
            write_whole(path, bytes([writer]) * SIZE)
            seen.add(path.read_bytes())
        return seen

    with ThreadPoolExecutor(WRITERS) as pool:
        seen = set().union(*pool.map(write, range(WRITERS)))
    assert seen <= {bytes([writer]) * SIZE for writer in range(WRITERS)}
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(b"half")
    write_whole(tmp_path / "file", b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_file_is_written_where_no_folder_can_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> bool:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))  # as NFS does

    monkeypatch.setattr(filelock, "lock_descriptor", refuse)
    write_whole(tmp_path / "file", b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("write", [lambda path: write_whole(path, b"x"), append_nothing])
def test_a_place_that_takes_no_file_is_named(write: Callable[[Path], None]) -> None:
    with pytest.raises(PermissionError, match="no file can be made here") as caught:
        write(Path("/proc/none.jsonl"))
    assert caught.value.filename == "/proc/none.jsonl"
