"""Kept measurements of the paper's networks: cost under emulation, accuracy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA = "depthbench.paper-measured/1"
FILE = Path(__file__).with_name("measured.json")
"""Written by `benchmarks/paper_measured.py`, which says how."""


def read_measured() -> dict[str, dict[str, Any]]:
    """`cost` and `accuracy`, each by network, with where every figure is from.

    Of a cost, `instructions` of one inference are counted and `est_cycles` estimated: it is an
    emulated cost, and no latency. Accuracies are records, without the scores of single images.
    """
    if not FILE.is_file():
        return {"cost": {}, "accuracy": {}}
    document = json.loads(FILE.read_text())
    if document["schema"] != SCHEMA:
        raise ValueError(f"{FILE.name}: schema {document['schema']!r}, not {SCHEMA!r}")
    return {kind: document[kind] for kind in ("cost", "accuracy")}


def timed_networks() -> list[str]:
    """The networks of the zoo that are a row with milliseconds, those with least MACs first."""
    from depthnet import paper, zoo

    macs: dict[str, float] = {}
    for entry in zoo.ENTRIES:
        rows = [paper.printed(*row) for row in entry.rows]
        if any("cpu_ms" in row for row in rows):
            macs[entry.name] = min(float(row.get("macs_g", 1)) for row in rows)
    return sorted(macs, key=macs.__getitem__)
