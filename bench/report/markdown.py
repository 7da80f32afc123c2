"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.report import numbers, wording
from bench.report.escape import Markdown, escape, fence, plain

if TYPE_CHECKING:
    from jinja2 import Template

# Label and decimals of each figure that the paper prints.
PAPER_COLUMNS = {
    "weights_m": (Markdown("weights [M]"), 2),
    "macs_g": (Markdown("MACs [G]"), 2),
    "rmse": (Markdown("RMSE [m]"), 3),
    "mae": (Markdown("MAE [m]"), 3),
    "rel": ("REL", 3),
    "delta1": ("δ1", 3),
    "delta2": ("δ2", 3),
    "delta3": ("δ3", 3),
    "cpu_ms": (Markdown("latency on the paper's phone [ms]"), 0),
}
FILTERS = (
    *(numbers.fixed, numbers.significant, numbers.scientific, numbers.percent, numbers.megabytes),
    *(wording.device, wording.verdict, wording.sampling, wording.protocol),
    *(wording.pairs, wording.commit),
    wording.untrained,
    *(fence, plain),
)


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
    environment.globals.update(paper_rows=_paper_rows, paper_columns=_paper_columns)
    return environment.get_template("report.md.j2")


def _paper_rows(complexity: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The paper's rows that print this network: one mapping or a list of them in the record."""
    paper = (complexity or {}).get("paper")
    rows = paper if isinstance(paper, list) else [paper]
    mappings = (row for row in rows if isinstance(row, Mapping))
    return [row for row in mappings if isinstance(row.get("printed"), Mapping) and row["printed"]]


def _paper_columns(rows: list[Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    return {k: v for k, v in PAPER_COLUMNS.items() if any(k in row["printed"] for row in rows)}
