"""The newest measurement against those before it, under the same conditions only."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from bench.gates.latency_gate import Verdict, judge_newest
from bench.records.comparability import CONDITIONS, SUBJECT, compared, differing, find, subject
from bench.records.record import Record
from bench.stats.regression import LEAST_RUNS

Make = Callable[..., Record]


@pytest.fixture
def history(make_record: Make) -> Callable[..., list[Record]]:
    """Latencies of one network, each at a time after the last."""

    def make(medians: list[float], **changes: Any) -> list[Record]:
        records = []
        for hour, p50 in enumerate(medians):
            record = make_record("latency", p50_ms=p50, p90_ms=1.02 * p50, **changes)
            records.append({**record, "time": f"2026-01-01T{hour:02}:00:00+00:00"})
        return records

    return make


History = Callable[..., list[Record]]
STEADY = [60.0, 60.4, 59.8, 60.1, 60.3, 59.9]


def only(verdicts: list[Verdict]) -> Verdict:
    (verdict,) = verdicts
    return verdict


@pytest.mark.parametrize(("last", "slower"), [(60.2, False), (63.3, True), (40.0, False)])
def test_the_newest_is_held_to_those_before(history: History, last: float, slower: bool) -> None:
    records = history([*STEADY, last])
    verdict = only(judge_newest(list(reversed(records))))
    assert verdict.record == records[-1]["id"]
    assert verdict.slower == slower
    assert verdict.regression is not None
    assert verdict.regression.ratio == pytest.approx(last / 60.05)


def test_runs_under_other_conditions_are_not_compared_with_and_the_condition_is_named(
    history: History,
) -> None:
    records = history([*STEADY, 90.0])
    conditions = copy.deepcopy(records[-1]["conditions"])
    records[-1] = {**records[-1], "conditions": {**conditions, "threads": 2}}
    verdict = only(judge_newest(records))
    assert verdict.regression is None
    assert not verdict.slower
    assert verdict.why == (
        "not compared: 0 of 5 past runs under the same conditions; "
        "now and in the last other one, threads: 2 and 1"
    )


def test_invalid_runs_neither_judge_nor_are_judged(history: History) -> None:
    bad = history([90.0], valid=False, reasons=["the coefficient of variation is 30 %"])
    records = history([*STEADY[:LEAST_RUNS], 60.0])
    noisy = [{**bad[0], "time": "2026-01-01T00:30:00+00:00"}]
    verdict = only(judge_newest(records + noisy))
    assert verdict.regression is not None
    assert verdict.regression.runs == LEAST_RUNS
    last = [{**bad[0], "time": "2027-01-01T00:00:00+00:00"}]
    assert "invalid, the coefficient" in only(judge_newest(records + last)).why


def test_models_and_devices_have_histories_of_their_own(history: History) -> None:
    one, other = history([*STEADY, 60.0]), history([*STEADY, 90.0], device={"name": "slow"})
    emulated = history([1.0]) and [{**r, "kind": "emulated cost"} for r in history(STEADY)]
    verdicts = judge_newest(one + other + emulated)
    assert [verdict.slower for verdict in verdicts] == [False, True]
    assert "on slow" in verdicts[1].subject


def test_a_short_history_is_said(history: History) -> None:
    assert only(judge_newest(history([60.0] * 4))).why.startswith("not compared: 3 of 5 past runs")


def test_every_condition_is_found_in_a_record(make_record: Make) -> None:
    """A key that records do not have would compare nothing with nothing."""
    before = {
        **{"cpus": [4, 5], "cpu_model": "Cortex-A76", "governor": "schedutil", "charging": True},
        **{"clock_limits_mhz": {"4": 2600}, "emulator": "qemu", "host_cpu": "x"},
    }
    record = make_record("latency")
    record["conditions"]["before"] |= before
    for name, path in {**SUBJECT, **CONDITIONS}.items():
        assert find(record, path) is not None, name
    kept = compared(record)
    assert (subject(kept), differing(record, kept)) == (subject(record), [])
    assert not {"samples_ms", "tools"} & {*kept, *kept["conditions"]}
    assert differing(record, record) == []
    changed = copy.deepcopy(record)
    changed["conditions"]["before"]["governor"] = "performance"
    assert differing(record, changed) == ["governor: schedutil and performance"]
    del changed["conditions"]["before"]["governor"]
    assert differing(record, changed) == ["governor: schedutil and unknown"]
