"""What a search did, as a record: its table, its steps, and how far its estimates were off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.pruning.search_state import SearchState

Record = dict[str, Any]
Scores = Mapping[str, float]


def describe_search(state: SearchState, held_out: Scores) -> dict[str, Any]:
    """A finished search as plain values; `held_out` are the scores after the last training.

    `table_error`: by how much the table's estimates of the whole network's cycles were off, and of
    what a step saves, as shares of what was counted.
    """
    start, last = state.start, state.steps[-1]
    return {
        "start": start,
        "cycles": last["cycles"],
        "share": last["cycles"] / start["cycles"],
        "held_out": dict(held_out),
        "delta1_lost": start["held_out"]["delta1"] - held_out["delta1"],
        "table": state.table,
        "table_error": table_error(start["cycles"], state.steps),
        "steps": state.steps,
    }


def table_error(start: float, steps: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Median and largest error of the estimates of `whole` networks, and of what steps `saved`."""
    whole, saved = [], []
    before = start
    for step in steps:
        off = abs(step["estimated_cycles"] - step["cycles"])
        whole.append(off / step["cycles"])
        saved.append(off / max(before - step["cycles"], 1.0))
        before = step["cycles"]
    return {
        name: {"median": median(errors), "worst": max(errors)}
        for name, errors in (("whole", whole), ("saved", saved))
    }
