"""A history as comma-separated values: a line a run and figure, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.csv_table import cell

OF_LINE = ("topic", "subject", "details")
COLUMNS = (
    *("model", *OF_LINE, "figure", "value", "low", "high", "limit_ms"),
    *("time", "commit", "dirty", "valid", "jump", "id", "before"),
)


def render_csv(history: Mapping[str, Any]) -> str:
    """Render what `bench.history.history.build_history` gives; figures by their records' names.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    import pandas as pd

    rows = [
        {"model": history["model"], **{name: line[name] for name in OF_LINE}, **row}
        for line in history["lines"]
        for run in line["runs"]
        for row in _rows(line, run)
    ]
    cells = [[cell(row.get(name)) for name in COLUMNS] for row in rows]
    frame = pd.DataFrame(cells, columns=list(COLUMNS), dtype=object)
    return frame.to_csv(index=False, lineterminator="\n")


def _rows(line: Mapping[str, Any], run: Mapping[str, Any]) -> list[dict[str, Any]]:
    jumped = {jump["figure"] for jump in line["jumps"] if jump["id"] == run["id"]}
    rows = []
    for figure in line["figures"]:
        low, high = run["intervals"].get(figure["key"], (None, None))
        told = {name: run[name] for name in ("time", "commit", "dirty", "valid", "id", "before")}
        named = {"figure": figure["key"]}
        value = {"value": run["values"][figure["key"]], "low": low, "high": high}
        limits = {"limit_ms": run["limit_ms"], "jump": figure["key"] in jumped}
        rows.append({**told, **named, **value, **limits})
    return rows
