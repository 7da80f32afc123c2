"""What the latency gate says of each run of a line, as it would have on that day."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gates.latency_gate import KIND, Verdict, judge
from bench.history.commit_order import date_of
from bench.records.record import Record
from bench.report.numbers import number
from bench.stats.regression import MOST_RUNS


def verdicts(records: Sequence[Record]) -> dict[str, Verdict]:
    """The gate's verdict by id on each valid latency of a line, against those of earlier dates.

    Nothing for other kinds: the gate judges latencies.
    """
    found: dict[str, Verdict] = {}
    past: list[Record] = []
    for record in sorted(records, key=date_of):
        if record["kind"] != KIND or not _is_time(record):
            continue
        # the gate looks at no more of them
        found[record["id"]] = judge(past[-MOST_RUNS:], record)
        past.append(record)
    return found


def limit(verdict: Verdict | None) -> float | None:
    """The largest p50, in ms, that breaks no rule; None where the gate had too few past runs."""
    if verdict is None or verdict.regression is None:
        return None
    return min(verdict.regression.limits.values())


def _is_time(record: Record) -> bool:
    times = [number(record[name]) for name in ("p50_ms", "p90_ms")]
    return bool(record["valid"]) and all(ms is not None and ms > 0 for ms in times)
