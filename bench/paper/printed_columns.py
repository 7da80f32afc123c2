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
    """The paper's rows that print this network: one mapping or a list of them in the record.

    Rows that agree in all that both print are one, under the names of all.
    """
    paper = (complexity or {}).get("paper")
    rows = paper if isinstance(paper, list) else [paper]
    mappings = (row for row in rows if isinstance(row, Mapping))
    found: list[Mapping[str, Any]] = []
    for row in mappings:
        if not isinstance(row.get("printed"), Mapping) or not row["printed"]:
            continue
        same = next(
            (n for n, one in enumerate(found) if _agree(one["printed"], row["printed"])), None
        )
        if same is None:
            found.append(row)
        else:
            found[same] = _joined(found[same], row)
    return found


def _agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    shared = one.keys() & other.keys()
    return bool(shared) and all(one[name] == other[name] for name in shared)


def _joined(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    names = {key: f"{one.get(key)}; {other.get(key)}" for key in ("table", "row")}
    return {**one, **names, "printed": {**other["printed"], **one["printed"]}}


def paper_columns(rows: list[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """Those of `COLUMNS` that some row has."""
    return {k: v for k, v in COLUMNS.items() if any(k in row["printed"] for row in rows)}
