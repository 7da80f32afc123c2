"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report import numbers
from bench.report.escape import Markdown, escape, fence

PAPER_COLUMNS = {
    "weights_m": "Weights [M]",
    "macs_g": "MACs [G]",
    "rmse": "RMSE [m]",
    "mae": "MAE [m]",
    "rel": "REL",
    "delta1": "δ1",
    "delta2": "δ2",
    "delta3": "δ3",
    "cpu_ms": "forward pass, their A76 phone [ms]",
}


def render_markdown(report: Mapping[str, Any]) -> str:
    """Render what `bench.report.report.build_report` gives; every text in it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bench.report", "."),
        finalize=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Escaping is Markdown's, done by `finalize` for every value that is printed.
        autoescape=False,
    )
    environment.filters.update(
        fixed=numbers.fixed,
        significant=numbers.significant,
        scientific=numbers.scientific,
        percent=numbers.percent,
        megabytes=numbers.megabytes,
        fence=fence,
    )
    environment.globals.update(
        paper_rows=_paper_rows,
        paper_columns=_paper_columns,
        verdict=_verdict,
        device_name=_device_name,
        conditions=_conditions,
    )
    return environment.get_template("report.md.j2").render(report)


def _paper_rows(complexity: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The paper's rows that print this network: one mapping or a list of them in the record."""
    paper = (complexity or {}).get("paper") or []
    rows = [paper] if isinstance(paper, Mapping) else paper
    return [row for row in rows if row.get("printed")]


def _paper_columns(rows: list[Mapping[str, Any]]) -> dict[str, str]:
    known = {k: v for k, v in PAPER_COLUMNS.items() if any(k in row["printed"] for row in rows)}
    return known


def _verdict(record: Mapping[str, Any]) -> str:
    """Whether the figures may be used, and why not."""
    quick = " (quick look)" if record.get("quick") and record["kind"] == "latency" else ""
    if record.get("valid"):
        return f"valid{quick}"
    return f"**INVALID**{quick}"


def _device_name(record: Mapping[str, Any]) -> str:
    device = record.get("device") or {}
    return str(device.get("name", "unknown")) if isinstance(device, Mapping) else str(device)


def _conditions(record: Mapping[str, Any]) -> Markdown:
    return Markdown("")
