"""Times of a measurement from its first sample to its last, and how warm the device was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.report.charts.svg import FAINT, SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TIMES = {"latency": "latency [ms]", "emulated cost": "emulator's time [ms]"}
HEIGHTS, WITH_HEAT = (220, 260), (330, 380)


def draw_over_time(record: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw a record of a report, its temperatures below where it has any; None of no sample."""
    sessions, heat = record["over_time"], record["temperatures"]
    if not sessions:
        return None
    samples = heat["samples"] if heat else []

    def draw(figure: Figure, narrow: bool) -> None:
        panels = figure.subplots(
            1 + bool(samples), squeeze=False, height_ratios=[2, 1] if samples else [1]
        )
        with gridded(panels[0][0]) as axes:
            _draw_times(axes, sessions, record)
        if samples:
            with gridded(panels[1][0]) as axes:
                every = heat["every_s"]
                seconds = [every * number for number in range(len(samples))]
                axes.plot(seconds, samples, "o-", color=SERIES[2], ms=3, lw=1.2)
                axes.set_ylabel("hottest [°C]")
                axes.set_xlabel("seconds since the server started")

    return draw_both(draw, name, WITH_HEAT if samples else HEIGHTS)


def _draw_times(axes: Axes, sessions: list[dict[str, Any]], record: Mapping[str, Any]) -> None:
    for number, session in enumerate(sessions):
        if number:
            axes.axvline(sessions[number - 1]["seconds"][-1], color=FAINT, lw=0.8, ls="--")
        style = "-" if len(session["ms"]) > 30 else "o-"
        axes.plot(session["seconds"], session["ms"], style, color=SERIES[0], ms=3.5, lw=1)
    top = max(max(session["ms"]) for session in sessions)
    axes.set_ylim(0, top * 1.1)
    axes.set_ylabel(TIMES.get(record["kind"], "time [ms]"))
    axes.set_xlabel("seconds of inference")
