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
        chosen = {name: record.get(name) for name in ("data", "split", "protocol", "runtime")}
        chosen["limit"] = record.get("images")
        sheet = record.get("sheet")
        if isinstance(sheet, Mapping):
            chosen["sheet"] = os.path.normpath(f"{OUT}/{sheet.get('file')}")
        chosen["records"] = f"{OUT}/records.jsonl"
        return [["depthbench", "eval", model, *_options(chosen)]]
    target = record.get("target")
    conditions = record["conditions"]
    precision, threads = (conditions.get(name) for name in ("precision", "threads"))
    chosen = {
        "target": target,
        "precision": None if precision == "fp32" else precision,
        "threads": None if threads == 1 else threads,
    }
    folder = f"{OUT}/{model}-{target}"
    before = _mapping(conditions.get("before"))
    place = f"tracker:{before['tracker']}/{before.get('key')}" if before.get("tracker") else None
    scored = _mapping(record.get("accuracy"))
    measured = {
        "device": place or record["device"].get("name"),
        **_mapping(conditions.get("sampling")),
        "data": scored.get("data"),
        "protocol": scored.get("protocol"),
        "accuracy": scored.get("images"),
    }
    profile = ["--profile"] if record.get("profile") else []
    return [
        ["depthbench", "compile", model, *_options(chosen), "-o", folder],
        ["depthbench", "rpc-measure", folder, *_options(measured), *profile],
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _options(values: Mapping[str, Any]) -> list[Any]:
    options: list[Any] = []
    for name, value in values.items():
        if value is not None:
            options += [f"--{name}", f"{value:g}" if isinstance(value, float) else value]
    return options
