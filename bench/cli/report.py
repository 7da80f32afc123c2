"""`depthbench report`: records as a report for people."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import OUT, RECORDS, json_option
from bench.cli.output import emit
from bench.cli.parameter_types import FILE


@click.command(name="report")
@click.argument("records", nargs=-1, type=FILE, metavar="[RECORDS]...")
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="Also write the report to this file: .html, .pdf, .md, .csv or .json.",
)
@json_option
def command(records: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Report records as HTML, PDF, Markdown, CSV or JSON.

    RECORDS are .jsonl files, by default out/records.jsonl. HTML is one file that needs no
    other. PDF is that page, printed by an installed Chromium or Chrome.
    """
    from bench.records.record import read_records
    from bench.report.markdown import render_markdown
    from bench.report.report import build_report
    from bench.report.write import write_report

    sources = records or (OUT / RECORDS,)
    document = build_report(read_records(*sources))
    if output:
        write_report(document, output, [source.parent for source in sources])
    emit(document, as_json, lambda: render_markdown(document))
