"""Ratios of the medians of two sets of records, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.records.comparability import describe, differing, subject
from bench.records.record import Record, read_records
from bench.records.schema import TIMED
from bench.stats.ratio_ci import unpaired_ratio
from depthbench.errors import InputError


def read_side(name: str) -> list[Record]:
    """The timed records that FILE or FILE#ID names (an id, or its beginning), oldest first.

    Raises InputError for a file that is none, and where it holds no such record, or several.
    """
    path, _, wanted = name.partition("#")
    timed = [record for record in read_records(Path(path)) if record["kind"] in TIMED]
    found = [record for record in timed if str(record["id"]).startswith(wanted)]
    if not found:
        raise InputError(f"{name}: no measured time with that id", advice="give FILE or FILE#ID")
    if wanted and len(found) > 1:
        raise InputError(f"{name}: {len(found)} records begin so", advice="give more of the id")
    return sorted(found, key=lambda record: str(record["time"]))


def compare_records(ours: Sequence[Record], theirs: Sequence[Record]) -> dict[str, Any]:
    """The newest usable record of every subject in A beside that of the same subject in B.

    `compared`: the ratio B / A of the medians, with its 95 % interval, and whether the two differ
    beyond it. `unlike`: pairs whose conditions differ, and which; they have no ratio. `alone`:
    what only one side has.
    """
    sides = [_newest(ours), _newest(theirs)]
    result: dict[str, Any] = {"compared": [], "unlike": [], "alone": []}
    for key in sorted({*sides[0], *sides[1]}, key=str):
        a, b = (side.get(key) for side in sides)
        if a is None or b is None:
            there = a or b or {}
            result["alone"].append({"what": describe(there), "in": "A" if a else "B"})
            continue
        pair = {"what": describe(a), "kind": a["kind"], "a": a["id"], "b": b["id"]}
        if conditions := differing(a, b):
            result["unlike"].append({**pair, "conditions": conditions})
            continue
        ratio = unpaired_ratio(_sessions(b), _sessions(a))
        result["compared"].append(
            {
                **pair,
                "a_p50_ms": a["p50_ms"],
                "b_p50_ms": b["p50_ms"],
                **ratio,
                "differs": not ratio["low"] <= 1 <= ratio["high"],
                "invalid": [side for side, record in (("A", a), ("B", b)) if not record["valid"]],
                "same_artefact": a["artefact_sha256"] == b["artefact_sha256"],
            }
        )
    return result


def _newest(records: Sequence[Record]) -> dict[tuple[Any, ...], Record]:
    """By subject the newest valid record, or the newest that has samples where none is valid."""
    found: dict[tuple[Any, ...], Record] = {}
    for record in records:
        known = found.get(subject(record))
        if _sessions(record) and (known is None or record["valid"] or not known["valid"]):
            found[subject(record)] = record
    return found


def _sessions(record: Record) -> list[list[float]]:
    """The samples that are times, by session."""
    sessions = [[ms for ms in session if ms is not None] for session in record["sessions"]]
    return [session for session in sessions if session]
