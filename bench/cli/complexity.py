"""`depthbench complexity`: parameters and MACs of one network."""

from __future__ import annotations

import click

from bench.cli.common import emit, json_option, key_values


@click.command(name="complexity")
@click.argument("name", default="mobiledepth")
@json_option
def command(name: str, as_json: bool) -> None:
    """Count parameters and MACs of network NAME, in the paper's counting and plainly."""
    from bench.paper.networks import describe_network
    from depthnet import zoo

    row = describe_network(zoo.get(name))
    emit(row, as_json, lambda: key_values({k: v for k, v in row.items() if k != "printed"}))
