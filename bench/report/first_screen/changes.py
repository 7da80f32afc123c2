"""What has changed since the last time that the same thing was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.records.comparability import differing
from bench.report.numbers import number

Record = Mapping[str, Any]
COUNTING = ("emulator", "cycle_model")
"""What else of its conditions a cost depends on."""


def last_change(record: Record, earlier: Sequence[Record]) -> dict[str, Any] | None:
    """From the last comparable one of `earlier`, oldest first, to `record`; None of none.

    `earlier` are of the same measurement, thus of the same device. Of accuracy it is `delta1`
    that is compared, else `ms`: the median, or the estimate. `before` and `now` are its values,
    `since` is when the former was measured. Where conditions differ there is no `now`: they are
    in `differing`.
    """
    now = value_of(record)
    fitting = [one for one in earlier if value_of(one) is not None]
    if now is None or not fitting:
        return None
    alike = [one for one in fitting if not _differing(record, one)]
    last = (alike or fitting)[-1]
    return {
        "figure": "delta1" if record["kind"] == "accuracy" else "ms",
        "since": last["time"],
        "before": value_of(last),
        "now": now if alike else None,
        "differing": _differing(record, last),
    }


def value_of(record: Record) -> float | None:
    """The figure of a record that is compared; None of an invalid one."""
    if record["kind"] == "accuracy":
        return number(record.get("delta1"))
    if record["kind"] == "cost":
        estimate = record.get("estimate")
        return number(estimate.get("milliseconds")) if isinstance(estimate, Mapping) else None
    return number(record.get("p50_ms")) if record.get("valid") else None


def _differing(one: Record, other: Record) -> list[str]:
    if one["kind"] == "accuracy":
        return []
    found = differing(one, other)
    if one["kind"] == "cost":
        found += [
            f"{name.replace('_', ' ')}: {theirs[1]} and {theirs[0]}"
            for name in COUNTING
            if (theirs := (other["conditions"].get(name), one["conditions"].get(name)))[0]
            != theirs[1]
        ]
    return found
