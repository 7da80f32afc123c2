"""`depthbench models`: every network by name."""

from __future__ import annotations

import click

from bench.cli.options import json_option
from bench.cli.output import emit, table
from bench.cli.progress import status


@click.command(name="models")
@json_option
def command(as_json: bool) -> None:
    """List the networks, with their size and cost beside the paper's."""
    from bench.paper.networks import describe_networks

    with status() as progress:
        rows = describe_networks(progress)
    shown = ("name", "table", "row", "weights_paper_m", "weights_m", "macs_paper_g", "macs_conv_g")
    emit(rows, as_json, lambda: table([{key: row[key] for key in shown} for row in rows]))
