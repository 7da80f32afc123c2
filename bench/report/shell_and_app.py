"""Is an artefact as fast in the demo and in an app as from the shell?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bench.records.schema import TIMED
from bench.report.numbers import number
from bench.report.wording import cores, source

Row = dict[str, Any]
ORDER = ("shell", "demo", "app")


def beside_each_other(records: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The artefacts of one model that were timed by more than one of shell, demo and app.

    One artefact is the same code (`artefact_sha256`) of the same model in one precision and number
    of threads, and times of it are of one kind. Each has `rows`, the shell's first; `ratio` is a
    row's median by that of the first row: on the same cores of one device it should be 1.
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if record["kind"] in TIMED and number(record.get("p50_ms")):
            groups.setdefault(repr(_artefact(record)), []).append(record)
    return [_group(mine) for mine in groups.values() if len({source(one) for one in mine}) > 1]


def _artefact(record: Mapping[str, Any]) -> tuple[Any, ...]:
    conditions = record["conditions"]
    code = (record.get("model_sha256"), record["artefact_sha256"], record["target"])
    return (record["kind"], *code, conditions.get("precision"), conditions.get("threads"))


def _group(records: list[Mapping[str, Any]]) -> Row:
    ordered = sorted(records, key=lambda record: ORDER.index(source(record)))
    kind, _, sha256, target, precision, threads = _artefact(ordered[0])
    return {
        **{"kind": kind, "artefact_sha256": sha256, "target": target},
        **{"precision": precision, "threads": threads},
        "rows": [_row(record, ordered[0]["p50_ms"]) for record in ordered],
    }


def _row(record: Mapping[str, Any], first_ms: float) -> Row:
    return {
        "source": source(record),
        "device": (record.get("device") or {}).get("name"),
        "cores": cores(record),
        "input": record["conditions"].get("input"),
        "samples": record.get("count"),
        "p50_ms": record["p50_ms"],
        "p90_ms": number(record.get("p90_ms")),
        "ratio": record["p50_ms"] / first_ms,
        "valid": record.get("valid"),
        "record": record["id"],
    }
