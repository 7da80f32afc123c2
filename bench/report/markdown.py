"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.report.escape import Markdown, escape, fence
from bench.report.templates import environment

if TYPE_CHECKING:
    from jinja2 import Template


def render_markdown(report: Mapping[str, Any]) -> str:
    """Render what `bench.report.report.build_report` gives; every text in it is escaped."""
    return _template().render(report)


@cache
def _template() -> Template:
    # Escaping is Markdown's, for every value that is printed.
    made = environment(autoescape=False, finalize=escape)
    made.filters["fence"] = fence
    made.filters["bold"] = lambda text: Markdown(f"**{escape(text)}**")
    return made.get_template("report.md.j2")
