"""The commands that measure again what records hold."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any


def commands(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """One shell line for each measurement, in order, without repetition.

    A record that holds its own `command` is taken at its word.
    """
    lines: dict[str, None] = {}
    for record in records:
        words = record.get("command") or _words(record)
        line = words if isinstance(words, str) else shlex.join(map(str, words))
        lines.setdefault(line)
    return list(lines)


def _words(record: Mapping[str, Any]) -> list[Any]:
    model = record["model"]
    if record["kind"] == "complexity":
        return ["depthbench", "complexity", model]
    if record["kind"] == "accuracy":
        words = ["depthbench", "eval", model]
        options = ("data", "split", "protocol", "runtime")
    else:
        words = ["depthbench", "rpc-measure", model]
        options = ("target",)
    for option in options:
        if record.get(option) is not None:
            words += [f"--{option}", record[option]]
    if record["kind"] == "accuracy" and record.get("images") is not None:
        words += ["--limit", record["images"]]
    return words
