"""A history as a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.history.history_page import render_page
from bench.history.history_table import render_csv
from depthbench.errors import InputError
from depthbench.files import write_whole


def _as_json(history: Mapping[str, Any]) -> str:
    return json.dumps(history, indent=2, allow_nan=False) + "\n"


WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    ".html": render_page,
    ".csv": render_csv,
    ".json": _as_json,
}


def write_history(history: Mapping[str, Any], path: Path) -> None:
    """Write a history, whole or not at all, in the form that the file's ending names.

    Raises InputError for an ending that is not one of `WRITERS`.
    """
    if path.suffix not in WRITERS:
        raise InputError(
            f"cannot write a history as {path.name}", advice="end its name in .html, .csv or .json"
        )
    write_whole(path, WRITERS[path.suffix](history).encode())
