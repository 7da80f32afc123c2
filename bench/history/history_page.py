"""A history as one HTML file that needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bench.history import history_wording
from bench.history.figures import EMULATORS_TIME
from bench.history.history_chart import MOST_RUNS, draw_history
from bench.report.templates import environment

if TYPE_CHECKING:
    from jinja2 import Template

MOST_PLACES = 3
NO_LATENCY = {
    "estimated time": "Estimated for a core that was not there, from what an emulator counts and "
    "simulates: no latency.",
    "instructions": "Counted under emulation, of a Cortex-A76.",
    EMULATORS_TIME: "What an emulator took on its host: no latency, and no figure of a device.",
}


def render_page(history: Mapping[str, Any]) -> str:
    """Render what `bench.history.history.build_history` gives; every text in it is escaped."""
    from markupsafe import Markup

    style = files("bench.report").joinpath("report.css").read_text()
    shown = [_show(line, number) for number, line in enumerate(history["lines"])]
    topics = [
        (name, list(of_topic)) for name, of_topic in groupby(shown, key=lambda one: one["topic"])
    ]
    moved = history_wording.by_place(history["jumps"])
    return _template().render(history=history, topics=topics, moved=moved, style=Markup(style))


def _show(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    from markupsafe import Markup

    newest = next((run for run in line["runs"] if run["id"] == line["newest"]), None)
    # matplotlib escapes what it writes into the SVG
    chart = {
        width: Markup(svg) for width, svg in draw_history(line, f"line-{number + 1}-chart").items()
    }
    rows = [history_wording.describe_run(line, run) for run in reversed(line["runs"])]
    numeric = history_wording.numeric_columns(line)
    columns = ["commit", *(name for name in rows[0] if name != "commit")]
    return {
        **line,
        "number": number + 1,
        "chart": chart,
        "run": newest,
        "rows": rows,
        "numeric": numeric,
        "columns": [(name, "n" if name in numeric else "") for name in columns],
    }


@cache
def _template() -> Template:
    made = environment(autoescape=True)
    for function in (history_wording.describe_code, history_wording.describe_records):
        made.filters[function.__name__] = function
    made.globals.update(MOST_PLACES=MOST_PLACES, MOST_RUNS=MOST_RUNS, NO_LATENCY=NO_LATENCY)
    return made.from_string(files("bench.history").joinpath("history.html.j2").read_text())
