"""What the paper prints for a network, as columns of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Label and decimals of each figure that the paper prints.
COLUMNS = {
    "weights_m": ("weights [M]", 2),
    "macs_g": ("MACs [G]", 2),
    "rmse": ("RMSE [m]", 3),
    "mae": ("MAE [m]", 3),
    "rel": ("REL", 3),
    "delta1": ("δ1", 3),
    "delta2": ("δ2", 3),
    "delta3": ("δ3", 3),
    "cpu_ms": ("latency on the paper's phone [ms]", 0),
}


def paper_rows(complexity: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The paper's rows that print this network: one mapping or a list of them in the record."""
    paper = (complexity or {}).get("paper")
    rows = paper if isinstance(paper, list) else [paper]
    mappings = (row for row in rows if isinstance(row, Mapping))
    return [row for row in mappings if isinstance(row.get("printed"), Mapping) and row["printed"]]


def paper_columns(rows: list[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """Those of `COLUMNS` that some row has."""
    return {k: v for k, v in COLUMNS.items() if any(k in row["printed"] for row in rows)}
