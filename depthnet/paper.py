"""The paper's tables as printed."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _document() -> dict[str, Any]:
    return json.loads((files("depthnet") / "paper_tables.json").read_text())


def tables() -> dict[str, Any]:
    """Tables I to X by number: caption and rows, each figure as the string that is printed."""
    return _document()["tables"]


def inconsistencies() -> list[str]:
    """Where the paper prints one thing in one place and another elsewhere, a line each."""
    return list(_document()["inconsistencies"])


def printed(table: str, row: str) -> dict[str, str]:
    """The figures of one row, by name, blanks left out; raises KeyError when there is none."""
    for candidate in tables()[table]["rows"]:
        if candidate["row"] == row:
            return {k: v for k, v in candidate.items() if k != "row" and v is not None}
    raise KeyError(f"table {table} has no row '{row}'")
