from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.records.record import Record, append_record, new_record, read_records
from depthbench.errors import InputError

Make = Callable[..., Record]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "records.jsonl"


def test_a_record_says_when_where_and_by_which_code(make_record: Make) -> None:
    record = make_record(conditions={"threads": 2})
    conditions = record["conditions"]
    age = datetime.now(UTC) - datetime.fromisoformat(record["time"])
    assert 0 <= age.total_seconds() < 60
    assert conditions["threads"] == 2
    assert conditions["tools"]["numpy"] == __import__("numpy").__version__
    assert conditions["host"]["cores_usable"] == len(os.sched_getaffinity(0))
    assert make_record()["id"] != record["id"]


def test_identity_cannot_be_overwritten() -> None:
    record = new_record("accuracy", {"id": "mine", "schema": "other", "kind": "latency"})
    assert record["id"] != "mine"
    assert (record["schema"], record["kind"]) == ("depthbench.record/1", "accuracy")


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="unknown kind"):
        new_record("speed", {})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extra=st.dictionaries(st.text(), st.none() | st.booleans() | st.floats(-1, 1) | st.text()))
def test_records_come_back_as_they_went(
    extra: dict[str, object], tmp_path: Path, make_record: Make
) -> None:
    path = tmp_path / "records.jsonl"
    path.unlink(missing_ok=True)
    records = [make_record(extra=extra), make_record("latency"), make_record("complexity")]
    for record in records:
        append_record(path, record)
    assert read_records(path) == records
    assert path.read_bytes().count(b"\n") == 3


def test_nan_is_refused_and_nothing_is_written(path: Path, make_record: Make) -> None:
    append_record(path, make_record())
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        append_record(path, make_record(rmse=float("nan")))
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", [1, 10, 400])
def test_a_truncated_last_line_is_dropped_and_later_cut_off(
    path: Path, make_record: Make, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    first, lost, last = make_record(), make_record(), make_record()
    append_record(path, first)
    append_record(path, lost)
    os.truncate(path, path.stat().st_size - 1 - cut)
    with caplog.at_level(logging.WARNING):
        assert read_records(path) == [first]
    assert "line 2 is truncated" in caplog.text
    append_record(path, last)
    assert read_records(path) == [first, last]


def test_a_last_line_without_its_end_is_whole(path: Path, make_record: Make) -> None:
    first, last = make_record(), make_record()
    append_record(path, first)
    os.truncate(path, path.stat().st_size - 1)
    assert read_records(path) == [first]
    append_record(path, last)
    assert read_records(path) == [first, last]


def test_a_truncated_line_longer_than_a_block_is_cut_off(path: Path, make_record: Make) -> None:
    first, last = make_record(), make_record()
    append_record(path, first)
    with path.open("ab") as file:
        file.write(b'{"samples_ms": [' + b"1.0, " * 50_000)
    append_record(path, last)
    assert read_records(path) == [first, last]


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, make_record: Make) -> None:
    append_record(path, make_record())
    before = path.read_bytes()
    write = os.write

    def half(descriptor: int, data: memoryview) -> int:
        return write(descriptor, data[: len(data) // 2])

    def refuse(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    calls = iter([half, refuse])
    with (
        patch("bench.records.record.os.write", lambda fd, data: next(calls)(fd, data)),
        pytest.raises(OSError, match="No space") as caught,
    ):
        append_record(path, make_record())
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before


def test_a_place_that_takes_no_bytes_is_a_full_disk(make_record: Make) -> None:
    with pytest.raises(OSError, match="No space") as caught:
        append_record(Path("/dev/full"), make_record())
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def test_a_writer_waits_for_the_one_before(path: Path, make_record: Make) -> None:
    append_record(path, make_record())
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        writer = threading.Thread(target=append_record, args=(path, make_record()))
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
        assert len(read_records(path)) == 1
    writer.join(10)
    assert len(read_records(path)) == 2


def test_many_writers_lose_nothing(path: Path, make_record: Make) -> None:
    records = [make_record(note="x" * 20_000) for _ in range(24)]
    threads = [threading.Thread(target=append_record, args=(path, record)) for record in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {record["id"] for record in read_records(path)} == {record["id"] for record in records}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "depthbench.record/2"}, "line 2: schema 'depthbench.record/2'"),
        ({"schema": None}, "line 2: schema None"),
        ({"kind": "speed"}, "line 2: kind 'speed'"),
        ({"model": 7}, "'model' is of the wrong type"),
        ({"rmse": "0.5 m"}, "'rmse' is of the wrong type"),
        ({"per_image": [0.5]}, "'per_image.0' is of the wrong type"),
    ],
)
def test_what_is_not_of_this_schema_is_refused(
    path: Path, make_record: Make, change: dict[str, object], message: str
) -> None:
    append_record(path, make_record())
    append_record(path, {**make_record(), **change})
    with pytest.raises(InputError, match=r"records\.jsonl, line 2") as caught:
        read_records(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_units_are_refused(path: Path, make_record: Make) -> None:
    record = make_record("latency")
    record["p50_s"] = record.pop("p50_ms")
    append_record(path, record)
    with pytest.raises(InputError, match="line 1: 'p50_ms' is in s, but this version reads ms"):
        read_records(path)


@pytest.mark.parametrize(
    "change",
    [
        {"p50_ms": 0.0615},
        {"samples_ms": [61500.0] * 300},
        {"sessions": [[0.0615] * 100] * 3},
    ],
    ids=["median", "samples", "sessions"],
)
def test_mixed_units_are_refused(path: Path, make_record: Make, change: dict[str, object]) -> None:
    append_record(path, make_record("latency", **change))
    with pytest.raises(InputError, match="line 1: mixed units: the samples' median is"):
        read_records(path)


def test_samples_that_are_no_times_are_left_to_the_verdict(path: Path, make_record: Make) -> None:
    odd = [
        make_record("latency", samples_ms=[], sessions=[], p50_ms=None),
        make_record("latency", samples_ms=[None, 61.5], sessions=[[None, 61.5]], p50_ms=61.5),
    ]
    for record in odd:
        append_record(path, record)
    assert read_records(path) == odd


def test_a_run_that_was_copied_under_another_id_counts_once(
    path: Path, make_record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_record("latency", samples_ms=[61.5, 61.25, 61.75])
    other = make_record("latency", samples_ms=[61.5, 61.25, 61.5])
    for record in (run, {**run, "id": "f" * 32}, other):
        append_record(path, record)
    with caplog.at_level(logging.WARNING):
        assert read_records(path) == [run, other]
    assert f"line 2: the run of {run['id']} again, dropped" in caplog.text


def test_what_another_version_wrote_stays_in_the_file(path: Path, make_record: Make) -> None:
    theirs = {**make_record(), "schema": "depthbench.record/2", "more": [1]}
    append_record(path, theirs)
    append_record(path, make_record())
    assert json.loads(path.read_text().splitlines()[0]) == theirs


@pytest.mark.parametrize("line", [b"nonsense", b"[1, 2]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_line_that_is_no_record_is_refused(path: Path, make_record: Make, line: bytes) -> None:
    append_record(path, make_record())
    with path.open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(InputError, match="line 2 is not a record"):
        read_records(path)


def test_a_repeated_record_is_dropped_and_a_changed_one_refused(
    path: Path, make_record: Make, caplog: pytest.LogCaptureFixture
) -> None:
    record = make_record()
    for _ in range(2):
        append_record(path, record)
    with caplog.at_level(logging.WARNING):
        assert read_records(path, path) == [record]
    assert "line 2" in caplog.text
    append_record(path, {**record, "rmse": 0.1})
    with pytest.raises(InputError, match="another record with the id"):
        read_records(path)


def test_missing_file_and_empty_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_records(tmp_path / "none.jsonl")
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n\n")
    assert read_records(empty) == []


def test_a_record_is_one_line_of_plain_json(path: Path, make_record: Make) -> None:
    append_record(path, make_record(weights="line\nbreak \u2028 and √"))
    (line,) = path.read_text().split("\n")[:-1]
    assert json.loads(line)["weights"] == "line\nbreak \u2028 and √"
