"""What the samples of a record say, against what it is made of."""

from __future__ import annotations

import math

import pytest

from bench.records.sample_stats import interval_fields, summary_fields
from bench.stats.bootstrap import NAMES, intervals
from bench.stats.statistics import summarise


def test_statistics_are_those_of_all_samples_with_their_unit() -> None:
    found = summary_fields([[10.0, 12.0], [11.0]])
    assert found["p50_ms"] == summarise([10.0, 12.0, 11.0])["p50"]
    assert found["count"] == 3


def test_intervals_are_named_as_the_statistics() -> None:
    sessions = [[10.0, 12.0, 11.0], [], [13.0]]
    found = interval_fields(sessions)["intervals"]
    assert list(found) == [name if name == "cv" else f"{name}_ms" for name in NAMES]
    assert list(found.values()) == list(intervals(sessions).values())


@pytest.mark.parametrize("odd", [None, math.inf, 0.0])
def test_what_is_no_time_has_none(odd: float | None) -> None:
    assert summary_fields([[10.0, odd]])["p50_ms"] is None
    assert interval_fields([[10.0, odd]]) == {"intervals": None, "warm_up_samples": [0]}
    assert interval_fields([]) == {"intervals": None, "warm_up_samples": []}
