"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.report import numbers, printed, wording
from bench.report.escape import Markdown, escape, fence, plain

if TYPE_CHECKING:
    from jinja2 import Template

FILTERS = (*numbers.FILTERS, *wording.FILTERS, fence, plain)


def render_markdown(report: Mapping[str, Any]) -> str:
    """Render what `bench.report.report.build_report` gives; every text in it is escaped."""
    return _template().render(report)


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("bench.report", "."),
        # Escaping is Markdown's, for every value that is printed.
        autoescape=False,
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({function.__name__: function for function in FILTERS})
    environment.filters["bold"] = lambda text: Markdown(f"**{escape(text)}**")
    environment.globals.update(paper_rows=printed.paper_rows, paper_columns=printed.paper_columns)
    return environment.get_template("report.md.j2")
