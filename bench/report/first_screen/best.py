"""Which network to take: the rule by which a report names the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]
NEAR = 0.01
RULE = f"the fastest within {NEAR:g} of the highest δ1"
RULE_OF_TIME = "the fastest, for no trained network was scored"


def best_row(rows: Iterable[Row]) -> tuple[Row | None, str]:
    """The best of rows of one place, and the rule, which is empty where there was no choice.

    Rows are those of `bench.report.summary`. Invalid times and scores of untrained weights are
    not chosen by, nor is a score in another precision where any is in its own; where no score is
    left the fastest is the best, where no time is, the most accurate.
    """
    known = list(rows)
    timed = [row for row in known if row["ms"] is not None and row["valid"] is not False]
    scored = [row for row in timed if is_judged(row)]
    scored = [row for row in scored if not row["scored_in"]] or scored
    if scored:
        highest = max(row["delta1"] for row in scored)
        near = [row for row in scored if row["delta1"] >= highest - NEAR]
        return min(near, key=lambda row: row["ms"]), RULE if len(known) > 1 else ""
    if timed:
        fastest = min(timed, key=lambda row: row["ms"])
        return fastest, RULE_OF_TIME if len(timed) > 1 else ""
    judged = [row for row in known if is_judged(row)]
    if judged:
        best = max(judged, key=lambda row: row["delta1"])
        return best, "the highest δ1, for none was timed" if len(judged) > 1 else ""
    return (known[0] if known else None), ""


def is_judged(row: Row) -> bool:
    """Whether a row has a score of trained weights."""
    return row["delta1"] is not None and row["trained"]
