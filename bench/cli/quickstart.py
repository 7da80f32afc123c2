"""`depthbench quickstart`: everything, from the network to the report."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import data_option, json_option, network_argument, out_option
from bench.cli.output import emit


@click.command(name="quickstart")
@network_argument
@data_option
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@out_option
@json_option
def command(name: str, data: str | None, limit: int, out: Path, as_json: bool) -> int:
    """Do it all, from network to report, without a phone.

    It is compiled for a Cortex-A76 and runs on the emulated phone through a TVM RPC tracker.
    """
    from bench.quickstart import run_quickstart
    from bench.report.markdown import render_markdown

    document, valid = run_quickstart(
        name, out, data=data, limit=limit, say=lambda line: click.echo(line, err=True)
    )
    emit(document, as_json, lambda: render_markdown(document))
    return 0 if valid else 1
