"""A report as one HTML file that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report.charts.over_time_chart import draw_over_time
from bench.report.charts.pareto_chart import draw_pareto
from bench.report.charts.roofline_chart import draw_roofline
from bench.report.charts.sustained_chart import draw_sustained
from bench.report.first_screen.best import is_judged
from bench.report.first_screen.sheets import embed_sheets, find_sheet, typical_image
from bench.report.templates import environment

if TYPE_CHECKING:
    from jinja2 import Template

MOST_OPERATORS, MOST_PLACES = 15, 4
ORDERS = {
    "time": ("time", lambda row: (row["ms"] is None, row["ms"] or 0)),
    "accuracy": ("δ1", lambda row: (not is_judged(row), -(row["delta1"] or 0))),
    "size": ("size", lambda row: (row["size_bytes"] is None, row["size_bytes"] or 0)),
    "name": ("name", lambda row: row["label"]),
    "device": ("device", lambda row: (row["place"] is None, str(row["place"]))),
}
"""What the table of measurements is sorted by, and how."""
PANELS = ("image", "truth", "prediction", "prediction minus truth")


def render_html(
    report: Mapping[str, Any], folders: Sequence[Path] = (), *, unfolded: bool = False
) -> str:
    """Render what `bench.report.report.build_report` gives; every text in it is escaped.

    `folders` are those of the records: contact sheets are looked for there. What folds is open
    from the start if `unfolded`, as for printing.
    """
    from markupsafe import Markup

    form = "JPEG" if unfolded else "WEBP"
    style = files("bench.report").joinpath("report.css").read_text()
    scores = [record for model in report["models"] for record in model["accuracy"]]
    return _template().render(
        report,
        style=Markup(style),
        drawn=_charts(report),
        sheets=embed_sheets(scores, folders, form),
        typical=_typical(report, scores, folders, form),
        orders={key: label for key, (label, _) in ORDERS.items()},
        ordered=_ordered(report["summary"]),
        opened=Markup(" open") if unfolded else "",
    )


@cache
def _template() -> Template:
    made = environment(autoescape=True)
    made.globals |= {"MOST_OPERATORS": MOST_OPERATORS, "MOST_PLACES": MOST_PLACES}
    return made.get_template("report.html.j2")


def _ordered(rows: Sequence[Any]) -> list[tuple[Any, dict[str, int]]]:
    """The rows from fast to slow, each with its place in every order.

    The page has no script: its style sheet moves the rows.
    """
    places: dict[int, dict[str, int]] = {}
    for key, (_, by) in ORDERS.items():
        for place, row in enumerate(sorted(rows, key=by)):
            places.setdefault(id(row), {})[key] = place
    first = ORDERS["time"][1]
    return [(row, places[id(row)]) for row in sorted(rows, key=first)]


def _typical(
    report: Mapping[str, Any],
    scores: Sequence[Mapping[str, Any]],
    folders: Sequence[Path],
    form: str,
) -> dict[str, Any] | None:
    """An image of the headline's network, large: by the report's rule, or by another."""
    best = report["headline"]["places"][0]
    names = (best["model"], best["network"])
    fitting = [record for record in scores if record["model"] in names]
    for record in sorted(fitting, key=lambda record: record["id"] != best["score"]):
        content = find_sheet(record, folders)
        if content and (found := typical_image(content, form)):
            depth = f"{found['near_m']:.1f} to {found['far_m']:.1f} m, red is near"
            told = (
                "",
                depth,
                "the same colours",
                f"blue is too near, red too far, ±{found['worst_m']:.1f} m",
            )
            labels = [
                f"{panel}{': ' if more else ''}{more}"
                for panel, more in zip(PANELS, told, strict=True)
            ]
            pairs = list(zip(labels, found["panels"], strict=True))
            return {
                **found,
                "model": record["model"],
                "protocol": record["protocol"],
                "labelled": pairs,
            }
    return None


def _charts(report: Mapping[str, Any]) -> dict[str, Any]:
    """Charts as SVG by width: `pareto` a list, the others by record."""
    from markupsafe import Markup

    def safe(svg: Mapping[str, str] | None) -> dict[str, Any] | None:
        # matplotlib escapes what it writes into the SVG.
        return {width: Markup(text) for width, text in svg.items()} if svg else None

    charts = enumerate(report["charts"])
    timed = [
        record
        for model in report["models"]
        for record in (*model["latency"], *model["emulated_cost"], *model["unknown_time"])
    ]
    return {
        "pareto": [safe(draw_pareto(chart, f"pareto-{number}")) for number, chart in charts],
        "over_time": {
            record["id"]: safe(draw_over_time(record, f"time-{number}"))
            for number, record in enumerate(timed)
        },
        "sustained": {
            record["id"]: safe(draw_sustained(record, f"sustained-{number}"))
            for number, record in enumerate(timed)
        },
        "roofline": {
            record["id"]: safe(draw_roofline(record["roofline"], f"roof-{number}"))
            for number, record in enumerate(timed)
            if record["roofline"]
        },
    }
