"""The latencies of one model in records: those for its baseline, and the verdict on later ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.gates.latency_gate import KIND, Verdict, judge
from bench.gates.model_baseline import PastRun
from bench.models import Model, load_model
from bench.records.comparability import CONDITIONS, SUBJECT, compared, find, subject
from bench.report.wording import conditions_in_short
from bench.stats.regression import MOST_RUNS

if TYPE_CHECKING:
    from bench.records.record import Record

SERIES = ("precision", "threads", "source")
"""Conditions that are chosen: each choice, on each device, has a newest run of its own."""


def runs_of(records: Sequence[Record], model: Model) -> list[PastRun]:
    """The last valid latencies of the model's file under each set of conditions, oldest first."""
    series: dict[str, list[Record]] = {}
    for record in _ours(records, model):
        if record["valid"]:
            series.setdefault(repr(compared(record)), []).append(record)
    kept = sorted((run for runs in series.values() for run in runs[-MOST_RUNS:]), key=_time)
    return [_past_run(record) for record in kept]


def judge_runs(
    past: Sequence[PastRun], records: Sequence[Record], model: Model, name_then: str
) -> list[Verdict]:
    """The verdict on the newest latency of every device, precision and number of threads.

    What each is held to are the runs of the baseline on the same device, under the same
    conditions; `name_then` is what the model was called there.
    """
    before = [{**run.model_dump(), "model": name_then, "valid": True} for run in past]
    newest = {_series(record): record for record in _ours(records, model)}
    known = {run.id for run in past}
    verdicts = []
    for series in dict.fromkeys((*map(_series, before), *newest)):
        ours = [one for one in before if _series(one) == series]
        if (record := newest.get(series)) is None:
            verdict = Verdict(_words(ours[-1]), "", "", None, why=f"no run of {model.file} there")
        elif record["id"] in known:
            told = (str(record["id"]), str(record["time"]), record["p50_ms"])
            verdict = Verdict(_words(record), *told, why="no run since the baseline's own")
        else:
            found = judge(ours, {**record, "model": name_then})
            verdict = replace(found, subject=_words(record))
        verdicts.append(verdict)
    return verdicts


def _ours(records: Sequence[Record], model: Model) -> list[Record]:
    """The latencies of a model's file, or of a network that its name is enough for."""
    sha256 = load_model(model.file).sha256 if model.source else model.sha256
    named = model.own_file is None
    found = [
        record
        for record in records
        if record["kind"] == KIND
        and (
            (record["model"], record.get("model_file")) == (model.name, None)
            if named
            else record.get("model_sha256") == sha256
        )
    ]
    return sorted(found, key=_time)


def _series(record: Any) -> tuple[Any, ...]:
    """Device, target and what was chosen; a model may be renamed."""
    _, _, target, device = subject(record)
    return (target, device, *(find(record, CONDITIONS[name]) for name in SERIES))


def _words(record: Any) -> str:
    return f"{find(record, SUBJECT['device'])}, {conditions_in_short(record)}"


def _past_run(record: Record) -> PastRun:
    kept = {name: record[name] for name in ("id", "p50_ms", "p90_ms")}
    return PastRun.model_validate({**compared(record), **kept, "time": _time(record)})


def _time(record: Record) -> str:
    return str(record["time"])
