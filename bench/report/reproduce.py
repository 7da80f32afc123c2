"""The commands that measure again what records hold."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

OUT = "out"


def commands(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Shell lines that measure each record again, in order, without repetition.

    A record that holds its own `command` (a list of words) is taken at its word.
    """
    lines: dict[str, None] = {}
    for record in records:
        for words in _commands(record):
            lines.setdefault(shlex.join(map(str, words)))
    return list(lines)


def _commands(record: Mapping[str, Any]) -> list[list[Any]]:
    if isinstance(record.get("command"), list):
        return [record["command"]]
    model = record["model"]
    if record["kind"] == "complexity":
        return [["depthbench", "complexity", model]]
    if record["kind"] == "accuracy":
        return [["depthbench", "eval", model, *_options(_scored(record))]]
    target, conditions = record.get("target"), record["conditions"]
    precision, threads = (conditions.get(name) for name in ("precision", "threads"))
    compiled = {
        "target": target,
        "precision": None if precision == "fp32" else precision,
        "threads": None if threads == 1 else threads,
    }
    folder = f"{OUT}/{model}-{target}"
    return [
        ["depthbench", "compile", model, *_options(compiled), "-o", folder],
        ["depthbench", "rpc-measure", folder, *_options(_measured(record))]
        + (["--profile"] if record.get("profile") else []),
    ]


def _scored(record: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: record.get(name) for name in ("data", "split", "protocol", "runtime")}
    chosen["limit"] = record.get("images")
    if sheet := _mapping(record.get("sheet")):
        chosen["sheet"] = os.path.normpath(f"{OUT}/{sheet.get('file')}")
    return {**chosen, "records": f"{OUT}/records.jsonl"}


def _measured(record: Mapping[str, Any]) -> dict[str, Any]:
    before = _mapping(record["conditions"].get("before"))
    place = f"tracker:{before['tracker']}/{before.get('key')}" if before.get("tracker") else None
    scored = _mapping(record.get("accuracy"))
    return {
        "device": place or record["device"].get("name"),
        **_mapping(record["conditions"].get("sampling")),
        **{name: scored.get(name) for name in ("data", "protocol")},
        "accuracy": scored.get("images"),
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _options(values: Mapping[str, Any]) -> list[Any]:
    options: list[Any] = []
    for name, value in values.items():
        if value is not None:
            options += [f"--{name}", f"{value:g}" if isinstance(value, float) else value]
    return options
