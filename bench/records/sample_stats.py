"""Statistics of a timed record, as its fields: summary, confidence intervals, warm-up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from bench.stats.bootstrap import intervals
from bench.stats.statistics import summarise
from bench.stats.warm_up import warm_up_length

Sessions = Sequence[Sequence[float | None]]


def summary_fields(sessions_ms: Sessions) -> dict[str, Any]:
    """The summary with its unit in the names; of no sample, or of impossible ones, only None."""
    names = ("p50", "p90", "p99", "mean", "std", "mad", "min", "max")
    samples = [ms for session in sessions_ms for ms in session]
    summary: Mapping[str, Any] = summarise(samples) if samples and _are_times(samples) else {}
    named = {f"{name}_ms": summary.get(name) for name in names}
    return {**named, "cv": summary.get("cv"), "count": len(samples)}


def interval_fields(sessions_ms: Sessions) -> dict[str, Any]:
    """`intervals`, 95 % confidence intervals of the statistics by name, and `warm_up_samples`.

    The latter says of each session how many of its first samples were not yet like the rest. Of no
    sample, or of impossible ones, `intervals` is None. The bootstrap takes a moment.
    """
    samples = [ms for session in sessions_ms for ms in session]
    found: dict[str, Any] | None = None
    if samples and _are_times(samples):
        times = [list(session) for session in sessions_ms if _are_times(session)]
        found = {
            name if name == "cv" else f"{name}_ms": each for name, each in intervals(times).items()
        }
    warm_ups = [warm_up_length(one) if _are_times(one) else 0 for one in sessions_ms]
    return {"intervals": found, "warm_up_samples": warm_ups}


def _are_times(samples: Sequence[float | None]) -> TypeGuard[Sequence[float]]:
    return all(ms is not None and math.isfinite(ms) and ms > 0 for ms in samples)
