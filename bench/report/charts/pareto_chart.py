"""The accuracy/latency chart: the report's networks, and the paper's behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.charts.labels import place_labels, shorten
from bench.report.charts.svg import INK, QUIET, SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = Mapping[str, Any]
Place = tuple[float, float]
HEIGHTS, EACH_MORE = (340, 400), (250, 320)
MOST_COLUMNS = 3
WIDE, WIDE_MORE = 640, 1000
STYLES = {"fp32": (SERIES[0], "o"), "fp16": (SERIES[1], "s"), "int8": (SERIES[2], "D")}
OTHER = (SERIES[3], "^")
SPREAD = 12.0
"""From the fastest to the slowest, above which the axis of time is logarithmic."""
BAR_STEPS = 9
LEGEND = {"columnspacing": 1.2, "handletextpad": 0.3, "handlelength": 1.2, "borderpad": 0}


def draw_pareto(chart: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw a chart of `bench.report.pareto.build_charts`; SVG by width, None of no point.

    A panel for each place, below each other on a phone and else three side by side.
    """
    panels = [panel for panel in chart["panels"] if panel["points"] or panel["unscored"]]
    if not panels and not chart["paper"]:
        return None
    columns = min(MOST_COLUMNS, max(len(panels), 1))
    rows = -(-len(panels) // columns) or 1
    shown = panels or [{"place": None, "estimated": False, "points": [], "unscored": []}]

    def draw(figure: Figure, narrow: bool) -> None:
        shape = (len(shown), 1) if narrow else (rows, columns)
        grid = figure.subplots(*shape, squeeze=False, sharey=not narrow)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for number, (axes, panel) in enumerate(zip(grid.flat, shown, strict=False)):
            with gridded(axes):
                _draw_panel(axes, panel, chart["paper"], narrow)
                if len(shown) > 1:
                    axes.set_title(shorten(panel["place"]), loc="left")
                if narrow or number % columns == 0:
                    axes.set_ylabel("δ1: more accurate above")
        figure.legend(
            handles=_legend(shown, chart["paper"]),
            loc="outside upper left",
            ncols=2 if narrow else 6,
            **LEGEND,
        )

    numbers = (len(shown) - 1, rows - 1)
    low, wide = (one + each * n for one, each, n in zip(HEIGHTS, EACH_MORE, numbers, strict=True))
    return draw_both(draw, name, (low, wide), WIDE if len(shown) == 1 else WIDE_MORE)


def _draw_panel(axes: Axes, panel: Mapping[str, Any], paper: Sequence[Point], narrow: bool) -> None:
    points, unscored = panel["points"], panel["unscored"]
    if paper:
        x, y = zip(*map(_place, paper), strict=True)
        axes.plot(x, y, "o", ms=4, mec=QUIET, mfc="none", mew=0.8, zorder=2)
    for network in _by_network(points):
        x, y = zip(*map(_place, network), strict=True)
        axes.plot(x, y, color=QUIET, lw=0.9, ls=":", zorder=3)
    for point in reversed(points):
        _draw_point(axes, point)
    front = [point for point in points if point["best"]]
    if len(front) > 1:
        axes.step(*zip(*map(_place, front), strict=True), where="post", color=INK, lw=0.8, zorder=3)
    _scale(axes, [*points, *unscored, *paper])
    for point in unscored:
        _draw_unscored(axes, point, alone=len(unscored) == 1 and not points)
    what = "estimated time" if panel["estimated"] else "latency, p50"
    axes.set_xlabel(f"{what} [ms]: faster to the left")
    _name_points(axes, points, paper, narrow)


def _draw_point(axes: Axes, point: Point) -> None:
    colour, marker = _style(point)
    (x, y), size = _place(point), 11 if point["chosen"] else 7
    low, high = point["low_ms"], point["high_ms"]
    if None not in (low, high):
        axes.plot((low, high), (y, y), color=colour, lw=1.2, alpha=0.55, zorder=4)
    if point["chosen"] and point["delta1_interval"]:
        axes.plot((x, x), point["delta1_interval"], color=colour, lw=1.2, alpha=0.55, zorder=4)
    face = "none" if point["scored_in"] else colour
    axes.plot(
        x, y, marker, ms=size, mec=colour, mfc=face, mew=1.8, zorder=6 if point["chosen"] else 5
    )


def _draw_unscored(axes: Axes, point: Point, alone: bool) -> None:
    colour, _ = _style(point)
    if alone:
        axes.axvline(point["ms"], color=colour, lw=2.2, zorder=4)
        if None not in (point["low_ms"], point["high_ms"]):
            axes.axvspan(point["low_ms"], point["high_ms"], color=colour, alpha=0.15, lw=0)
        axes.annotate(
            shorten(point["label"]),
            (point["high_ms"] or point["ms"], 0.05),
            xycoords=axes.get_xaxis_transform(),
            xytext=(5, 0),
            textcoords="offset points",
            color=INK,
        )
    else:
        axes.axvline(point["ms"], ymax=0.04, color=colour, lw=2, zorder=4)


def _scale(axes: Axes, points: Sequence[Point]) -> None:
    from matplotlib.ticker import LogLocator

    times = [point["ms"] for point in points]
    if times and max(times) > SPREAD * min(times):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    axes.margins(0.1, 0.12)
    if times and axes.get_xscale() == "linear":
        axes.set_xlim(left=0, right=max(times) * 1.08)


def _name_points(
    axes: Axes,
    points: Sequence[Point],
    paper: Sequence[Point],
    narrow: bool,
) -> None:
    named = [_named(network) for network in _by_network(points)]
    named.sort(key=lambda point: (not point["chosen"], not point["best"]))
    kept = [point for point in named if point["best"] or point["chosen"] or not narrow]
    labels = [(shorten(_name(point)), _place(point)) for point in kept]
    labels += [
        (f"paper: {point['name']}", _place(point)) for point in reversed(paper) if point["best"]
    ][:1]
    bars = [place for point in points for place in _bar(point)]
    place_labels(axes, labels, [*map(_place, [*points, *paper]), *bars])


def _by_network(points: Sequence[Point]) -> list[list[Point]]:
    """The points of each network, from fast to slow."""
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(point["network"], []).append(point)
    return list(found.values())


def _named(network: Sequence[Point]) -> Point:
    """The point that stands for its network: the headline's, or one of the best, or the slowest."""
    return max(network, key=lambda point: (point["chosen"], point["best"], point["ms"]))


def _name(point: Point) -> str:
    """Markers tell precisions; the headline's network is named in full."""
    return str(point["label"] if point["chosen"] else point["network"])


def _bar(point: Point) -> list[Place]:
    """Places along the interval of a point's time, for labels to keep off."""
    low, high = point["low_ms"], point["high_ms"]
    if None in (low, high):
        return []
    step = (high - low) / (BAR_STEPS - 1)
    return [(low + step * number, point["delta1"]) for number in range(BAR_STEPS)]


def _legend(panels: Sequence[Mapping[str, Any]], paper: Sequence[Point]) -> list[Any]:
    from matplotlib.lines import Line2D

    def mark(label: str, colour: str, marker: str, face: str, size: float) -> Line2D:
        return Line2D(
            [], [], ls="", marker=marker, color=colour, mfc=face, ms=size, mew=1.4, label=label
        )

    points = [point for panel in panels for point in panel["points"]]
    unscored = [point for panel in panels for point in panel["unscored"]]
    drawn = sorted(points or unscored, key=lambda point: _style(point)[0])
    told = {str(point["precision"] or "this report"): _style(point) for point in drawn}
    marks = [mark(name, colour, marker, colour, 7) for name, (colour, marker) in told.items()]
    scored_in = dict.fromkeys(point["scored_in"] for point in points if point["scored_in"])
    marks += [mark(f"hollow: scored in {name}", INK, "o", "none", 7) for name in scored_in]
    if unscored and points:
        marks.append(mark("time alone", INK, "|", INK, 9))
    if paper:
        marks.append(mark("the paper's", QUIET, "o", "none", 4))
    return marks


def _style(point: Point) -> tuple[str, str]:
    return STYLES.get(str(point["precision"]), OTHER)


def _place(point: Point) -> Place:
    return point["ms"], point["delta1"]
