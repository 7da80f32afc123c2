"""`depthbench quickstart`: everything, from the network to the report."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import emit, json_option, out_option


@click.command(name="quickstart")
@click.argument("name", default="mobiledepth")
@click.option(
    "--data",
    help="rooms, nyu, or the path of a data set.  [default: nyu where it is present, else rooms]",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@out_option
@json_option
def command(name: str, data: str | None, limit: int, out: Path, as_json: bool) -> int:
    """Export network NAME, compile it for a Cortex-A76, run it on the emulated phone through a
    TVM RPC tracker, score its depth, and report.
    """
    from bench.quickstart import run_quickstart
    from bench.report.markdown import render_markdown

    document, valid = run_quickstart(
        name, out, data=data, limit=limit, say=lambda line: click.echo(line, err=True)
    )
    emit(document, as_json, lambda: render_markdown(document))
    return 0 if valid else 1
