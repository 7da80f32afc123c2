"""The record of a pruning for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.cli.output import key_values, table

FIGURES = ("channels", "M cycles", "estimated", "δ1")


def describe_pruning(record: Mapping[str, Any]) -> str:
    """What is left, and every step with its cycles and its score."""
    start, error = record["start"], record["table_error"]
    shown = {
        "network": record["model"],
        "cycles": f"{_mega(record['cycles'])} M of {_mega(start['cycles'])} M, "
        f"{record['share']:.1%}, {record['conditions']['precision']}",
        "δ1 held out": f"{record['held_out']['delta1']:.4f}, before "
        f"{start['held_out']['delta1']:.4f}, on {record['held_out_pairs']} pairs",
        "estimates off": f"{error['whole']['median']:.1%} of the network's cycles, at most "
        f"{error['whole']['worst']:.1%}",
    }
    rows = [{"step": 0, "group": "", "channels": "", **_figures(start)}]
    rows += [
        {
            "step": step["step"],
            "group": step["group"],
            "channels": "{} to {}".format(*step["channels"]),
            **_figures(step),
        }
        for step in record["steps"]
    ]
    return f"{key_values(shown)}\n\n{table(rows, right=FIGURES)}"


def _figures(counted: Mapping[str, Any]) -> dict[str, str]:
    estimated = counted.get("estimated_cycles")
    return {
        "M cycles": _mega(counted["cycles"]),
        "estimated": _mega(estimated) if estimated else "",
        "δ1": f"{counted['held_out']['delta1']:.4f}",
    }


def _mega(cycles: float) -> str:
    return f"{cycles / 1e6:.2f}"
