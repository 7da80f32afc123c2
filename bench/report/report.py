"""Choose from records what a report shows, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.errors import InputError
from bench.report.reproduce import commands

SCHEMA = "depthbench.report/1"
RAW = {"samples_ms", "sessions", "per_image"}
# Records that agree in all of these measure the same thing; the latest of them is shown.
SAME = (
    *("kind", "model", "runtime", "target", "device", "label", "quick", "input_size", "input"),
    *("protocol", "data", "split", "images", "averaging", "flip"),
)


def build_report(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Gather records by model into one document.

    Each model has `complexity` (one record or None), and lists `accuracy`, `latency` and
    `emulated_cost` of records without their raw data; `superseded` is how many older records of
    the same measurement were left out; `reproduce` is a list of commands. Raises InputError
    when there is no record.
    """
    latest: dict[str, Mapping[str, Any]] = {}
    superseded: dict[str, int] = {}
    for record in sorted(records, key=lambda record: str(record.get("time", ""))):
        key = repr([record.get(name) for name in SAME])
        if latest.pop(key, None) is not None:
            model = record["model"]
            superseded[model] = superseded.get(model, 0) + 1
        latest[key] = record
    if not latest:
        raise InputError("no record to report: measure something first")
    names = dict.fromkeys(record["model"] for record in latest.values())
    models = []
    for name in names:
        mine = [record for record in latest.values() if record["model"] == name]
        models.append({**_model(name, mine), "superseded": superseded.get(name, 0)})
    return {"schema": SCHEMA, "models": models}


def _model(name: str, records: list[Mapping[str, Any]]) -> dict[str, Any]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        short = {key: value for key, value in record.items() if key not in RAW}
        by_kind.setdefault(record["kind"], []).append(short)
    return {
        "model": name,
        "complexity": by_kind.get("complexity", [None])[-1],
        "accuracy": by_kind.get("accuracy", []),
        "latency": by_kind.get("latency", []),
        "emulated_cost": by_kind.get("emulated cost", []),
        "reproduce": commands(records),
    }
