"""What the templates of every format have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.paper import printed_columns
from bench.report import numbers, wording
from bench.report.escape import plain
from bench.report.first_screen import asides, captions
from depthbench.plural import counted

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(**options: Any) -> Environment:
    """Where templates are found, and the filters and functions that they all use."""
    from jinja2 import Environment, PackageLoader

    made = Environment(
        loader=PackageLoader("bench.report", "."),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    for function in (
        *numbers.FILTERS,
        *wording.FILTERS,
        *captions.FILTERS,
        *asides.FILTERS,
        plain,
        counted,
    ):
        made.filters[function.__name__] = function
    made.globals.update(
        paper_rows=printed_columns.paper_rows, paper_columns=printed_columns.paper_columns
    )
    return made
