"""Clocks and temperatures over a sustained run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.sustained.back_to_back import Run

if TYPE_CHECKING:
    from android_rpc.telemetry.recorder import Reading

AROUND_S = 1.0
"""A sample that is asked for as the run begins or ends is taken a moment off."""


def within(run: Run, readings: Sequence[Reading]) -> list[tuple[float, Reading]]:
    """The readings of the run, each with its seconds since the run began."""
    if run.began_s is None:
        return []
    placed = [(reading.uptime_s - run.began_s, reading) for reading in readings]
    return [one for one in placed if -AROUND_S <= one[0] <= run.seconds + AROUND_S]


def series_of(placed: Sequence[tuple[float, Reading]]) -> dict[str, Any] | None:
    """Lists of equal length, null for what a reading lacks; None of no reading.

    `seconds` since the run began, `clocks_mhz` by core, `hottest_c` of all zones, and
    `battery_c`.
    """
    if not placed:
        return None
    cores = sorted({core for _, one in placed for core in one.clocks_mhz}, key=int)
    return {
        "seconds": [round(seconds, 2) for seconds, _ in placed],
        "clocks_mhz": {core: [one.clocks_mhz.get(core) for _, one in placed] for core in cores},
        "hottest_c": [one.hottest_c for _, one in placed],
        "battery_c": [one.battery_c for _, one in placed],
    }
