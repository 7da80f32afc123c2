"""The commands that measure again what records hold."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any


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
        chosen["sheet"] = sheet.get("file") if isinstance(sheet, Mapping) else None
        return [["depthbench", "eval", model, *_options(chosen)]]
    target = record.get("target")
    folder = f"out/{model}-{target}"
    sampling = record["conditions"].get("sampling")
    before = _mapping(record["conditions"].get("before"))
    place = f"tracker:{before['tracker']}/{before.get('key')}" if before.get("tracker") else None
    device = {"device": place or record["device"].get("name")}
    scored = _mapping(record.get("accuracy"))
    scoring = {name: scored.get(name) for name in ("data", "protocol")}
    scoring["accuracy"] = scored.get("images")
    return [
        ["depthbench", "compile", model, *_options({"target": target}), "-o", folder],
        [
            "depthbench",
            "rpc-measure",
            folder,
            *_options(device),
            *_options(sampling),
            *_options(scoring),
            *(["--profile"] if record.get("profile") else []),
        ],
    ]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _options(values: Any) -> list[Any]:
    options: list[Any] = []
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if value is not None:
            options += [f"--{name}", f"{value:g}" if isinstance(value, float) else value]
    return options
