"""The accuracy/latency chart, in the manner of the paper's figures 1 and 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.charts.labels import place_labels, shorten
from bench.report.charts.svg import SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS = (380, 440)
OURS, PAPERS = SERIES[0], SERIES[1]


def draw_pareto(chart: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw a chart of `bench.report.pareto.build_charts`; SVG by width, None of no point."""

    everything = [*chart["ours"], *chart["paper"]]
    best = [point for point in reversed(chart["paper"]) if point["best"]]

    def draw(figure: Figure, narrow: bool) -> None:
        with gridded(figure.subplots()) as axes:
            _draw_points(axes, chart["paper"], PAPERS, "o", "the paper's, on the paper's phone")
            _draw_points(axes, chart["ours"], OURS, "D", "ours, on our device")
            axes.set_xlabel("latency, p50 [ms]: faster to the left")
            axes.set_ylabel("δ1: more accurate above")
            axes.margins(0.12, 0.12)
            figure.legend(loc="outside upper left", ncols=1 if narrow else 2)
            named = [*chart["ours"], *(best[:1] if narrow else best)]
            labels = [(shorten(point["name"]), _place(point)) for point in named]
            place_labels(axes, labels, [_place(point) for point in everything])

    return draw_both(draw, name, HEIGHTS) if everything else None


def _draw_points(
    axes: Axes, points: Sequence[Mapping[str, Any]], colour: str, marker: str, label: str
) -> None:
    if not points:
        return
    ours = colour == OURS
    places = zip(*map(_place, points), strict=True)
    face = colour if ours else "none"
    axes.plot(*places, marker, ms=6, mec=colour, mfc=face, mew=1.3, label=label, zorder=3)
    front = zip(*(_place(point) for point in points if point["best"]), strict=True)
    style = "-" if ours else (0, (4, 3))
    axes.plot(*front, color=colour, lw=1, ls=style, drawstyle="steps-post", zorder=2)


def _place(point: Mapping[str, Any]) -> tuple[float, float]:
    return point["ms"], point["delta1"]
