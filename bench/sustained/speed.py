"""Speed over time: frames a second in windows, and when the device begins to throttle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from bench.sustained.back_to_back import Run, Stretch

WINDOWS = 60
SHORTEST_WINDOW_S = 2.0
EDGE_S = 60.0
THROTTLED = 0.95
"""Of the first frames a second: as far as a clock may change in a valid latency."""
IN_A_ROW = 3


def speed_of(run: Run) -> dict[str, Any]:
    """Frames a second over the run; rates are inferences by the seconds that they took.

    `windows` are of `window_s` seconds, those in which no request ended left out. `first_fps` and
    `last_fps` are of the first and last minute (`edge_s`), of a shorter run a third of it, and
    `last_to_first` their ratio. `throttled_at_s` is when the first of three windows in a row began
    that were more than 5 % slower than the first minute; None where there was none.
    """
    window_s = max(SHORTEST_WINDOW_S, run.asked_s / WINDOWS)
    edge_s = min(EDGE_S, run.seconds / 3)
    placed = groupby(run.stretches, lambda stretch: int(stretch.ended_s // window_s))
    windows = [_window(place * window_s, list(stretches)) for place, stretches in placed]
    early = [one for one in run.stretches if one.ended_s <= edge_s] or run.stretches[:1]
    late = [one for one in run.stretches if one.ended_s > run.seconds - edge_s]
    first, last = _rate(early), _rate(late or run.stretches[-1:])
    return {
        "window_s": window_s,
        "windows": windows,
        "edge_s": round(edge_s, 3),
        "first_fps": first,
        "last_fps": last,
        "last_to_first": last / first if first and last else None,
        "throttled_at_s": throttled_at(windows, first),
    }


def throttled_at(windows: Sequence[Mapping[str, Any]], first_fps: float | None) -> float | None:
    """The start of the first of three windows in a row that are more than 5 % slower."""
    slow = 0
    for number, window in enumerate(windows):
        rate = window["fps"]
        slow = slow + 1 if first_fps and rate and rate < THROTTLED * first_fps else 0
        if slow == IN_A_ROW:
            return float(windows[number - IN_A_ROW + 1]["start_s"])
    return None


def _window(start_s: float, stretches: Sequence[Stretch]) -> dict[str, Any]:
    slowest = max(one.slowest_ms for one in stretches)
    return {
        "start_s": round(start_s, 3),
        "inferences": sum(one.inferences for one in stretches),
        "fps": _rate(stretches),
        "max_ms": slowest if math.isfinite(slowest) else None,
    }


def _rate(stretches: Sequence[Stretch]) -> float | None:
    busy_ms = sum(one.busy_ms for one in stretches)
    inferences = sum(one.inferences for one in stretches)
    return 1e3 * inferences / busy_ms if 0 < busy_ms < math.inf else None
