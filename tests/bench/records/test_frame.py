from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import depthbench
from bench.records.frame import as_frame
from bench.records.record import Record, append_record

Make = Callable[..., Record]


def test_one_row_a_record_and_a_column_for_what_is_nested(make_record: Make) -> None:
    records = [make_record("latency"), make_record("accuracy"), make_record("latency", p50_ms=70.5)]
    frame = as_frame(records)
    assert list(frame.index) == [record["id"] for record in records]
    timed = frame[frame["kind"] == "latency"]
    assert list(timed["p50_ms"]) == [61.5, 70.5]
    assert list(timed["conditions.before.battery_c"]) == [30.0, 30.0]
    assert timed["samples_ms"].iloc[0] == [61.5] * 300
    assert frame["p50_ms"].isna().tolist() == [False, True, False]
    when = datetime.fromisoformat(records[0]["time"])
    assert frame["time"].iloc[0] == when
    assert frame["time"].iloc[0].tzinfo is not None
    assert (datetime.now(UTC) - frame["time"]).dt.total_seconds().between(0, 60).all()


def test_no_records_are_a_frame_without_rows() -> None:
    frame = as_frame([])
    assert (len(frame), frame.index.name) == (0, "id")
    assert frame["time"].dt.year.empty


def test_the_front_door_reads_files(tmp_path: Path, make_record: Make) -> None:
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    records = [make_record("complexity"), make_record("latency")]
    for path, record in zip(paths, records, strict=True):
        append_record(path, record)
    frame = depthbench.read_records(*paths)
    assert list(frame["kind"]) == ["complexity", "latency"]
    assert frame.loc[records[0]["id"], "macs_conv_g"] == 0.6987
