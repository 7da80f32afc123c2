"""A model's figures, run by run, as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.gates.latency_gate import Verdict
from bench.history.commit_order import (
    Ancestry,
    commit_of,
    count_between,
    date_of,
    order_runs,
    read_ancestry,
)
from bench.history.figures import Figure
from bench.history.history_notes import relatives, tell_of
from bench.history.jumps import Jump, find_jump, what_else_changed, where
from bench.history.latency_band import limit, verdicts
from bench.history.lines import Line, group_lines
from bench.records.provenance import ROOT
from bench.records.record import Record
from depthbench.errors import InputError
from depthbench.plural import counted
from depthbench.suggest import did_you_mean

SCHEMA = "depthbench.history/1"


def build_history(
    records: Sequence[Record], model: str, *, one_file: bool = True, root: Path = ROOT
) -> dict[str, Any]:
    """The history of `model` in `records`, which are in the order of their files.

    `lines` are the figures that may be joined: what the records of one share is its `identity`,
    in words `subject` and `details`. Each has `figures` and `runs`, oldest code first: the
    `values` by figure, their `intervals`, the code and the time, whether it is valid, `limit_ms`
    of the latency gate, whether that calls it `slower`, and `before`, the run whose code it
    follows, with the `changes` since. `jumps` are all of them, the newest first; `notes` are what
    a reader should know. `root` is the checkout that tells which commit comes before which.
    Raises InputError where there is no record of the model.
    """
    mine = [record for record in records if record["model"] == model]
    if not mine:
        names = sorted({record["model"] for record in records})
        raise InputError(
            f"no record of {model!r}" if names else "no record to show",
            advice=did_you_mean(model, names) if names else "score, cost or measure a model first",
        )
    commits = {commit for record in mine if (commit := commit_of(record))}
    ancestry = read_ancestry(commits, root)
    ordered = order_runs(mine, ancestry)
    lines = [_line(line, ancestry, root) for line in group_lines(ordered)]
    if not lines:
        raise InputError(
            f"{model}: no figure that has a history in {counted(len(mine), 'record')}",
            advice="score, cost or measure it",
        )
    dates = sorted(mine, key=date_of)
    jumps = [jump for line in lines for jump in line["jumps"]]
    return {
        "schema": SCHEMA,
        "model": model,
        "records": len(mine),
        "commits": len(commits),
        "first": where(dates[0])["time"],
        "last": where(dates[-1])["time"],
        "jumps": sorted(jumps, key=lambda jump: jump["at"]["time"], reverse=True),
        "lines": lines,
        "notes": [*tell_of(mine, ancestry, one_file), *relatives(model, records)],
    }


def _line(line: Line, ancestry: Ancestry, root: Path) -> dict[str, Any]:
    judged = verdicts(line.records) if line.topic.timed else {}
    runs: list[dict[str, Any]] = []
    jumps: list[Jump] = []
    usable: list[Record] = []
    for record in line.records:
        code = commit_of(record)
        before = next(
            (one for one in reversed(usable) if ancestry.follows(code, commit_of(one))), None
        )
        good = _is_valid(line, record)
        runs.append(_run(line, record, before if good else None, judged))
        if not good:
            continue
        usable.append(record)
        if before is None:
            continue
        for figure in line.topic.figures:
            if rule := find_jump(figure, before, record, judged):
                jump = _jump(line, figure, before, record, rule)
                jumps.append(jump | {"commits": _commits(before, record, ancestry, root)})
    return {
        "topic": line.topic.name,
        "subject": line.subject,
        "details": line.details,
        # what JSON has no form for is unknown
        "identity": json.loads(json.dumps(line.identity), parse_constant=lambda name: None),
        "figures": [
            {name: getattr(figure, name) for name in ("key", "name", "unit", "larger_is_better")}
            for figure in line.topic.figures
        ],
        "runs": runs,
        "newest": usable[-1]["id"] if usable else None,
        "since_first": _changes(line, usable[0], usable[-1]) if len(usable) > 1 else {},
        "jumps": jumps,
        "invalid": len(runs) - len(usable),
        # the newest is the last to be judged
        "why_no_limit": next((verdict.why for verdict in reversed(judged.values())), ""),
    }


def _is_valid(line: Line, record: Record) -> bool:
    valid = not line.topic.timed or record["valid"]
    return bool(valid) and any(figure.value(record) is not None for figure in line.topic.figures)


def _run(
    line: Line, record: Record, before: Record | None, judged: Mapping[str, Verdict]
) -> dict[str, Any]:
    figures = line.topic.figures
    return {
        "id": record["id"],
        **where(record),
        "valid": _is_valid(line, record),
        "reasons": list(record.get("reasons", [])) if line.topic.timed else [],
        "values": {figure.key: figure.value(record) for figure in figures},
        "shown": {figure.key: figure.show(figure.value(record)) for figure in figures},
        "intervals": {
            figure.key: bounds for figure in figures if (bounds := figure.bounds(record))
        },
        "limit_ms": limit(judged.get(record["id"])),
        "slower": record["id"] in judged and judged[record["id"]].slower,
        "before": before["id"] if before else None,
        "changes": _changes(line, before, record),
    }


def _changes(line: Line, before: Record | None, record: Record) -> dict[str, str]:
    """How far each figure moved, in words; without those that one of the two has not."""
    told = {}
    for figure in line.topic.figures:
        was, now = (figure.value(one) if one else None for one in (before, record))
        if was is not None and now is not None:
            told[figure.key] = figure.show_change(was, now)
    return told


def _jump(line: Line, figure: Figure, before: Record, record: Record, rule: str) -> Jump:
    was, now = figure.value(before) or 0.0, figure.value(record) or 0.0
    return {
        "topic": line.topic.name,
        "subject": line.subject,
        "details": line.details,
        "figure": figure.key,
        "name": figure.name,
        "id": record["id"],
        "was": was,
        "now": now,
        "shown": f"{figure.show(was)} → {figure.show(now)}",
        "change": figure.show_change(was, now),
        "better": (now > was) == figure.larger_is_better,
        "rule": rule,
        "at": where(record),
        "since": where(before),
        "also": what_else_changed(before, record),
    }


def _commits(before: Record, record: Record, ancestry: Ancestry, root: Path) -> int | None:
    """How many commits came between two runs; None where the checkout cannot tell."""
    earlier, later = commit_of(before), commit_of(record)
    if earlier not in ancestry.rank or later not in ancestry.rank or not earlier or not later:
        return None
    return count_between(earlier, later, root)
