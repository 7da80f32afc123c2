"""How did the times of a measurement go, from its first sample to its last?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.report.numbers import number

MOST_POINTS = 200


def thin_sessions(record: Mapping[str, Any]) -> list[dict[str, list[float]]]:
    """The sessions of a record: `seconds` of computing since the first sample, and `ms`.

    Of more than 200 samples a session keeps the smallest and the largest of each stretch, so
    that no outlier is lost; what is no time is left out.
    """
    sessions = record.get("sessions")
    clock, thinned = 0.0, []
    for session in sessions if isinstance(sessions, list) else []:
        samples = [number(ms) for ms in session] if isinstance(session, list) else []
        times = np.array([ms for ms in samples if ms is not None and ms > 0])
        if not times.size:
            continue
        ends = clock + np.cumsum(times) / 1e3
        clock = float(ends[-1])
        kept = _extremes(times)
        thinned.append(
            {
                "seconds": [round(float(ends[i]), 3) for i in kept],
                "ms": [round(float(times[i]), 4) for i in kept],
            }
        )
    return thinned


def _extremes(times: np.ndarray) -> Sequence[int]:
    if times.size <= MOST_POINTS:
        return range(times.size)
    kept: set[int] = set()
    for stretch in np.array_split(np.arange(times.size), MOST_POINTS // 2):
        kept |= {int(stretch[times[stretch].argmin()]), int(stretch[times[stretch].argmax()])}
    return sorted(kept)


def temperatures(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a record tells of heat, in °C: `samples`, the hottest zone at each of them while it was
    measured, `every_s` seconds apart, and the battery's `before` and `after`; None of nothing.
    """
    conditions = record.get("conditions") or {}
    before, after = (_mapping(conditions.get(when)) for when in ("before", "after"))
    during = _mapping(after.get("during"))
    each = during.get("hottest_each_sample_c")
    samples = [number(c) for c in each] if isinstance(each, list) else []
    found = {
        "samples": [c for c in samples if c is not None],
        "every_s": number(during.get("every_s")) or 10.0,
        "battery_before": number(before.get("battery_c")),
        "battery_after": number(after.get("battery_c")),
    }
    known = found["samples"] or found["battery_before"] or found["battery_after"]
    return found if known else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
