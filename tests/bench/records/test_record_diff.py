"""Two files of measurements, beside each other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.records.record import Record, append_record
from bench.records.record_diff import compare_records, read_side
from depthbench.errors import InputError

Make = Callable[..., Record]


def measured(make_record: Make, factor: float, **changes: object) -> Record:
    sessions = factor * np.random.default_rng(int(factor * 100)).normal(60, 1, (3, 100))
    samples = sessions.ravel().tolist()
    return make_record(
        "latency",
        p50_ms=float(np.median(samples)),
        samples_ms=samples,
        sessions=sessions.tolist(),
        **changes,
    )


def test_a_slower_side_differs_and_the_same_does_not(make_record: Make) -> None:
    a, b = measured(make_record, 1.0), measured(make_record, 1.1)
    (pair,) = compare_records([a], [b])["compared"]
    assert pair["ratio"] == pytest.approx(1.1, rel=0.01)
    assert pair["low"] < 1.1 < pair["high"]
    assert pair["differs"]
    assert (pair["a"], pair["b"], pair["same_artefact"]) == (a["id"], b["id"], True)
    (same,) = compare_records([a], [a])["compared"]
    assert (same["ratio"], same["differs"]) == (1, False)


def test_other_conditions_are_named_and_not_compared(make_record: Make) -> None:
    a, b = measured(make_record, 1.0), measured(make_record, 1.1)
    b["conditions"] = {**copy.deepcopy(b["conditions"]), "precision": "fp16", "threads": 2}
    found = compare_records([a], [b])
    assert found["compared"] == []
    (pair,) = found["unlike"]
    assert pair["conditions"] == ["precision: fp32 and fp16", "threads: 1 and 2"]
    assert "ratio" not in pair


def test_what_only_one_side_has_is_said(make_record: Make) -> None:
    found = compare_records(
        [measured(make_record, 1.0)], [measured(make_record, 1.0, model="other")]
    )
    assert found["alone"] == [
        {"what": "other for arm64-a76 on phone", "in": "B"},
        {"what": "tiny for arm64-a76 on phone", "in": "A"},
    ]


def test_the_newest_valid_measurement_counts(make_record: Make) -> None:
    old, new = measured(make_record, 1.0), measured(make_record, 1.2)
    bad = measured(make_record, 3.0, valid=False, reasons=["noise"])
    (pair,) = compare_records([old], [old, new, bad])["compared"]
    assert pair["b"] == new["id"]
    (pair,) = compare_records([old], [bad])["compared"]
    assert pair["invalid"] == ["B"]


def test_a_side_is_a_file_or_one_of_its_records(make_record: Make, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    one, other = measured(make_record, 1.0), measured(make_record, 1.1)
    for record in (one, make_record("accuracy"), other):
        append_record(path, record)
    assert [record["id"] for record in read_side(str(path))] == [one["id"], other["id"]]
    assert read_side(f"{path}#{other['id'][:12]}") == [other]
    with pytest.raises(InputError, match="no measured time with that id"):
        read_side(f"{path}#none")
    third = measured(make_record, 1.2)
    append_record(path, {**third, "id": one["id"][:8] + "0" * 24})
    with pytest.raises(InputError, match="2 records begin so"):
        read_side(f"{path}#{one['id'][:8]}")
