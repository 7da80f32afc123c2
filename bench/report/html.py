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
from bench.report.sheets import embed_sheets
from bench.report.templates import environment

if TYPE_CHECKING:
    from jinja2 import Template

MOST_OPERATORS = 15


def render_html(report: Mapping[str, Any], folders: Sequence[Path] = ()) -> str:
    """Render what `bench.report.report.build_report` gives; every text in it is escaped.

    `folders` are those of the records: contact sheets are looked for there.
    """
    from markupsafe import Markup

    style = files("bench.report").joinpath("report.css").read_text()
    scores = [record for model in report["models"] for record in model["accuracy"]]
    sheets = embed_sheets(scores, folders)
    drawn = _charts(report)
    return _template().render(report, style=Markup(style), drawn=drawn, sheets=sheets)


@cache
def _template() -> Template:
    made = environment(autoescape=True)
    made.globals["MOST_OPERATORS"] = MOST_OPERATORS
    return made.get_template("report.html.j2")


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
