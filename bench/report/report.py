"""Choose from records what a report shows, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.records.comparability import measurement
from bench.records.schema import TIMED
from bench.report.first_screen.asides import write_asides
from bench.report.first_screen.changes import last_change
from bench.report.first_screen.headline import write_headline
from bench.report.numbers import number
from bench.report.over_time import temperatures, thin_sessions
from bench.report.pareto import build_charts
from bench.report.reproduce import commands
from bench.report.roofline import build_roofline
from bench.report.shell_and_app import beside_each_other
from bench.report.summary import counted_runtimes, summarise_models
from bench.stats.mean_interval import mean_interval
from depthbench.errors import InputError

SCHEMA = "depthbench.report/1"
RAW = {"samples_ms", "sessions", "per_image", "per_pair", "profile"}
# What of a host changes from one measurement to the next.
MOMENTARY = {"loadavg_1min", "clocks_mhz"}


def build_report(
    records: Iterable[Mapping[str, Any]], earlier: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Gather records into one document: all that the writers of a report show.

    `earlier` records are not shown: changes are since the last of them too.

    `headline` is what the first screen says in words (`bench.report.first_screen.headline`), and
    `asides` what else a reader must know (`bench.report.first_screen.asides`).
    `summary` has a row a measurement (`bench.report.summary`), judged by one `rule`, `charts` the
    points of the accuracy/latency charts (`bench.report.pareto`), `models` the records by model,
    each with its `change` since the last such record: `complexity`
    (one record or None), and lists `accuracy`, `latency`, `emulated_cost`, `unknown_time` and
    `cost` of records without their raw data, of which the timed ones keep `over_time`,
    `temperatures` and `roofline`, and a cost has `runtimes`: what each took; `sources` is what
    shell, demo and app say of one artefact (`bench.report.shell_and_app`); `failed_cells`, of a
    sweep, have no figures; `superseded` is how many
    older records of the same measurement were left out; `reproduce` is a list of commands.
    `environments` are the different hosts and software: a record's `environment` is the number of
    its own, from 1. Raises InputError when there is no record.
    """
    latest: dict[str, Mapping[str, Any]] = {}
    superseded: dict[str, int] = {}
    histories: dict[str, list[Mapping[str, Any]]] = {}
    for record in _by_time(earlier):
        histories.setdefault(_thing(record), []).append(record)
    for record in _by_time(records):
        key = repr(measurement(record))
        if latest.pop(key, None) is not None:
            model = record["model"]
            superseded[model] = superseded.get(model, 0) + 1
        latest[key] = record
        histories.setdefault(_thing(record), []).append(record)
    if not latest:
        raise InputError("no record to report", advice="measure something first")
    environments: list[dict[str, Any]] = []
    by_model: dict[str, list[dict[str, Any]]] = {}
    for record in latest.values():
        history = histories[_thing(record)]
        before = history[: next(n for n, one in enumerate(history) if one is record)]
        short = {key: value for key, value in record.items() if key not in RAW}
        short["environment"] = _number_of(_environment(record), environments)
        short["change"] = last_change(record, before)
        if record["kind"] in TIMED:
            short |= _drawn(record)
        if record["kind"] == "accuracy":
            short["delta1_interval"] = _over_images(record)
        if record["kind"] == "cost":
            short["runtimes"] = counted_runtimes(record)
        if isinstance(scores := short.get("accuracy"), dict):
            short["accuracy"] = {key: value for key, value in scores.items() if key not in RAW}
        by_model.setdefault(record["model"], []).append(short)
    models = [
        {
            **_model(name, mine),
            "superseded": superseded.get(name, 0),
            "reproduce": commands(one for one in latest.values() if one["model"] == name),
        }
        for name, mine in by_model.items()
    ]
    measured = {one["model"] for one in latest.values() if one["kind"] != "failed cell"}
    rows, rule = summarise_models([m for m in models if m["model"] in measured] or models)
    headline = write_headline(rows, [one["time"] for one in latest.values()], environments)
    return {
        "schema": SCHEMA,
        "headline": headline,
        "asides": write_asides(models, headline["places"][0]["model"]),
        "summary": rows,
        "rule": rule,
        "charts": build_charts(rows, rule),
        "models": models,
        "environments": environments,
        "records": len(latest) + sum(superseded.values()),
    }


def _drawn(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "over_time": thin_sessions(record),
        "temperatures": temperatures(record),
        "roofline": build_roofline(record),
    }


def _model(name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_kind.setdefault(record["kind"], []).append(record)
    complexity = by_kind.get("complexity")
    return {
        "model": name,
        "complexity": complexity[-1] if complexity else None,
        "accuracy": by_kind.get("accuracy", []),
        "latency": by_kind.get("latency", []),
        "emulated_cost": by_kind.get("emulated cost", []),
        "unknown_time": by_kind.get("unknown time", []),
        "cost": by_kind.get("cost", []),
        "flicker": by_kind.get("flicker", []),
        "calibration": by_kind.get("calibration", []),
        "failed_cells": by_kind.get("failed cell", []),
        "sources": beside_each_other(records),
    }


def _by_time(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(records, key=lambda record: str(record.get("time", "")))


def _over_images(record: Mapping[str, Any]) -> tuple[float, float] | None:
    rows = record.get("per_image")
    scores = [number(row.get("delta1")) for row in rows] if isinstance(rows, list) else []
    known = [score for score in scores if score is not None]
    found = mean_interval(known) if len(known) == len(scores) == record["images"] else None
    return (max(found[0], 0.0), min(found[1], 1.0)) if found else None


def _thing(record: Mapping[str, Any]) -> str:
    """What two runs share that have a change between them, of training too."""
    return repr({**measurement(record), "weights": None})


def _environment(record: Mapping[str, Any]) -> dict[str, Any]:
    conditions = record["conditions"]
    host = conditions.get("host")
    if isinstance(host, dict):
        host = {key: value for key, value in host.items() if key not in MOMENTARY}
    return {
        "host": host,
        "tools": conditions.get("tools"),
        "git": conditions.get("git"),
    }


def _number_of(environment: dict[str, Any], known: list[dict[str, Any]]) -> int:
    if environment not in known:
        known.append(environment)
    return known.index(environment) + 1
