"""A result is there whole or not at all, whatever is killed and however many sweeps there are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from bench.sweep import store
from bench.sweep.result import RESULT, read_result, write_result
from bench.sweep.store import SCRATCH, Store

KILLED = """
import os, signal, sys
from pathlib import Path
from bench.sweep.store import Store
with Store(Path(sys.argv[1])).scratch() as scratch:
    (scratch / "half").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def make(folder: Path, text: str = "{}") -> Path:
    folder.mkdir()
    (folder / "made").write_text(text)
    write_result(folder, {}, json.loads(text))
    return folder


def test_a_result_is_there_when_it_is_put(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.scratch() as scratch:
        made = make(scratch / "one")
        assert not store.has("key")
        assert store.put("key", made) == store.folder("key")
    assert store.has("key")
    assert [one.name for one in store.root.iterdir() if one.is_dir()] == ["key"]


def test_of_two_results_the_first_stays(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.scratch() as scratch:
        store.put("key", make(scratch / "one", '{"first": 1}'))
        store.put("key", make(scratch / "two", '{"second": 2}'))
    assert "first" in (store.folder("key") / RESULT).read_text()


@pytest.mark.parametrize("left", ["", '{"task": {', "[]", "{}", None])
def test_a_result_that_was_damaged_is_made_again(tmp_path: Path, left: str | None) -> None:
    store = Store(tmp_path / "store")
    with store.scratch() as scratch:
        place = store.put("key", make(scratch / "one", '{"first": 1}'))
        if left is None:
            (place / "made").unlink()
        else:
            (place / RESULT).write_text(left)
        assert not store.has("key")
        store.put("key", make(scratch / "two", '{"second": 2}'))
    assert store.has("key")
    assert read_result(store.folder("key"))["second"] == 2
    (place / "made").write_text("longer than it was")
    assert not store.has("key")


def test_a_folder_without_a_result_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "key").mkdir()
    assert not store.has("key")


def test_what_a_killed_sweep_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.scratch() as in_use:
        command = [sys.executable, "-c", KILLED, str(tmp_path)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        (left,) = {one for one in tmp_path.glob(".scratch-*")} - {in_use}
        with store.scratch():
            assert not left.exists()
            assert in_use.exists()  # another sweep's own
    assert not list(tmp_path.glob(".scratch-*"))


def test_scratch_that_ends_while_another_begins_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = tmp_path / f"{SCRATCH}ending"
    ending.mkdir()
    lock = store._lock

    def lock_what_is_there(folder: Path) -> FileLock:
        if folder == ending:
            raise FileNotFoundError(folder)
        return lock(folder)

    monkeypatch.setattr(store, "_lock", lock_what_is_there)
    with Store(tmp_path).scratch() as folder:
        assert folder.is_dir()


def test_places_are_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(Path("results"))
    with store.scratch() as scratch:
        monkeypatch.chdir("/")
        assert scratch.is_dir()
        assert scratch.is_relative_to(tmp_path)
    assert store.folder("a") == tmp_path / "results/a"
