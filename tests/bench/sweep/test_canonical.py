"""Equal results are equal bytes, whoever computed them and from which commit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.record import Record
from bench.sweep.canonical import canonical
from bench.sweep.result import keep_records, write_result
from bench.sweep.store import Store
from bench.sweep.task import make_task

TASK = make_task("score", {"data": "rooms"})


@pytest.fixture
def result(tmp_path: Path, make_record: Callable[..., Record]) -> Callable[..., bytes]:
    """The canonical form of one score, made at a commit, on a machine."""

    def make(name: str, commit: str, delta1: float = 0.5) -> bytes:
        record = make_record("accuracy", delta1=delta1)
        record["conditions"] |= {
            "git": {"commit": commit * 40, "dirty": commit == "a"},
            "host": {"cpu": name},
        }
        store = Store(tmp_path / name)
        folder = store.folder(TASK.key)
        folder.mkdir(parents=True)
        write_result(folder, TASK.to_json(), keep_records(folder, [record]))
        return canonical([TASK], store)

    return make


def test_the_commit_and_the_machine_are_not_of_the_result(result: Callable[..., bytes]) -> None:
    assert result("one", "a") == result("other", "b")


def test_another_figure_is_another_result(result: Callable[..., bytes]) -> None:
    assert result("one", "a") != result("other", "a", delta1=0.6)
