"""The figures of one line, run by run, with the gate's limit, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.history.commit_order import short_commit
from bench.history.figures import TOPICS, Figure
from bench.report.charts.labels import place_labels
from bench.report.charts.svg import PAGE, SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

FIRST_HEIGHT, NEXT_HEIGHT, FOOT = (150, 160), (100, 100), 45
LEAST_SPAN = 0.04
"""Of the largest value: what is smaller than that is not blown up to a mountain."""

TICKS = {"narrow": 4, "wide": 9}
MOST_RUNS = 200
"""The newest are drawn: more would be closer than a pixel's width on a phone."""

CROWDED = 60
Runs = Sequence[Mapping[str, Any]]


def draw_history(line: Mapping[str, Any], name: str) -> dict[str, str]:
    """Draw a line of `bench.history.history.build_history`, a panel a figure.

    Runs stand side by side, whatever time is between them. Joined are those of which one has the
    other's code. Rings are of changed files, crosses invalid.
    """
    figures = next(topic.figures for topic in TOPICS if topic.name == line["topic"])
    line = {**line, "runs": line["runs"][-MOST_RUNS:]}
    runs = line["runs"]
    panels = [figure for figure in figures if _known(figure, runs)] or figures[:1]

    def draw(canvas: Canvas, narrow: bool) -> None:
        grid = canvas.subplots(
            len(panels), squeeze=False, sharex=True, height_ratios=[2] + [1] * (len(panels) - 1)
        )
        canvas.align_ylabels()
        for row, figure in zip(grid, panels, strict=True):
            with gridded(row[0]) as axes:
                _draw_panel(axes, figure, line)
        _name_runs(grid[-1][0], runs, TICKS["narrow" if narrow else "wide"])

    heights = [
        first + more * (len(panels) - 1) + FOOT
        for first, more in zip(FIRST_HEIGHT, NEXT_HEIGHT, strict=True)
    ]
    return draw_both(draw, name, (heights[0], heights[1]))


def _known(figure: Figure, runs: Runs) -> dict[int, float]:
    """By place, in the unit that is shown."""
    values = {place: run["values"][figure.key] for place, run in enumerate(runs)}
    return {place: value * figure.factor for place, value in values.items() if value is not None}


def _draw_panel(axes: Axes, figure: Figure, line: Mapping[str, Any]) -> None:
    runs = line["runs"]
    places = {run["id"]: place for place, run in enumerate(runs)}
    values = _known(figure, runs)
    intervals = {
        place: [end * figure.factor for end in run["intervals"][figure.key]]
        for place, run in enumerate(runs)
        if figure.key in run["intervals"]
    }
    limits = {at: run["limit_ms"] for at, run in enumerate(runs) if run["limit_ms"] is not None}
    good = [value for place, value in values.items() if runs[place]["valid"]]
    ends = [end for pair in intervals.values() for end in pair]
    if values:
        _set_limits(axes, [*(good or values.values()), *ends, *limits.values()])
    axes.set_xlim(-0.6, max(len(runs) - 0.4, 1.4))
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylabel(f"{figure.name} [{figure.unit}]" if figure.unit else figure.name)
    steps = [(places[run["before"]], at) for at, run in enumerate(runs) if run["before"] in places]
    joined = [([a, b], [values[a], values[b]]) for a, b in steps if a in values and b in values]
    axes.plot(*_apart(joined), color=SERIES[0], lw=1.3, zorder=2)
    bars = _apart([([place, place], pair) for place, pair in intervals.items()])
    axes.plot(*bars, color=SERIES[0], lw=5, alpha=0.25, zorder=1, solid_capstyle="butt")
    _draw_limits(axes, limits)
    _draw_points(axes, runs, values)
    jumped = [jump["id"] for jump in line["jumps"] if jump["figure"] == figure.key]
    _draw_jumps(axes, runs, values, [places[one] for one in jumped if one in places])


def _draw_points(axes: Axes, runs: Runs, values: Mapping[int, float]) -> None:
    """A point a run; one that is invalid and far from the others is drawn at the edge."""
    kinds: dict[str, list[int]] = {"valid": [], "dirty": [], "invalid": []}
    for place in values:
        kind = "dirty" if runs[place]["dirty"] else "valid"
        kinds[kind if runs[place]["valid"] else "invalid"].append(place)
    looks: dict[str, dict[str, Any]] = {
        "valid": {"marker": "o", "mec": SERIES[0], "mfc": SERIES[0], "ms": 4.5},
        "dirty": {"marker": "o", "mec": SERIES[0], "mfc": PAGE, "ms": 5, "mew": 1.4},
        "invalid": {"marker": "x", "mec": SERIES[3], "ms": 6, "mew": 1.6, "clip_on": False},
    }
    low, high = axes.get_ylim()
    smaller = 0.5 if len(runs) > CROWDED else 1.0
    for kind, places in kinds.items():
        if places:
            heights = [min(max(values[place], low), high) for place in places]
            look = looks[kind] | {"ms": smaller * looks[kind]["ms"]}
            axes.plot(places, heights, ls="none", zorder=3, **look)


def _draw_jumps(axes: Axes, runs: Runs, values: Mapping[int, float], places: Sequence[int]) -> None:
    heights = [values[place] for place in places]
    axes.plot(places, heights, "o", ms=9, mec=SERIES[1], mfc="none", mew=1.4, zorder=4)
    newest_first = sorted(places, reverse=True)
    labels = [(_code(runs[place]), (place, values[place])) for place in newest_first]
    along = [
        (place - 1 + step / 4, values[place - 1] + (values[place] - values[place - 1]) * step / 4)
        for place in values
        if place - 1 in values
        for step in (1, 2, 3)
    ]
    place_labels(axes, labels, [*values.items(), *along])


def _draw_limits(axes: Axes, limits: Mapping[int, float]) -> None:
    """The band: what the runs before each explain, up to the gate's limit."""
    span, top = _apart([([place - 0.5, place + 0.5], [ms, ms]) for place, ms in limits.items()])
    floor = axes.get_ylim()[0]
    axes.fill_between(span, top, floor, color=SERIES[2], alpha=0.13, lw=0, zorder=0)
    axes.plot(span, top, color=SERIES[2], lw=1, ls=(0, (4, 2)), zorder=1)


def _apart(strokes: Sequence[tuple[Sequence[float], Sequence[float]]]) -> list[list[float]]:
    """Strokes as one path: between two of them is no number, where nothing is drawn."""
    return [[number for one in strokes for number in (*one[axis], math.nan)] for axis in (0, 1)]


def _set_limits(axes: Axes, drawn: Sequence[float]) -> None:
    low, high = min(drawn), max(drawn)
    least = LEAST_SPAN * max(abs(low), abs(high))
    missing = max(0.0, least - (high - low)) / 2
    margin = 0.12 * max(high - low, least)
    axes.set_ylim(low - missing - margin, high + missing + 2 * margin)


def _name_runs(axes: Axes, runs: Runs, most: int) -> None:
    """The first run of each commit, as many as there is room for, the newest always."""
    firsts = [
        place for place, run in enumerate(runs) if not place or _code(run) != _code(runs[place - 1])
    ]
    step = -(-len(firsts) // most)
    shown = sorted(firsts[::-1][::step])
    axes.set_xticks(shown, [f"{_code(runs[at])}\n{runs[at]['time'][5:10]}" for at in shown])


def _code(run: Mapping[str, Any]) -> str:
    return short_commit(run["commit"], run["dirty"])
