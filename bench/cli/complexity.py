"""`depthbench complexity`: parameters and MACs of one network."""

from __future__ import annotations

import click

from bench.cli.options import json_option, network_argument
from bench.cli.output import emit, key_values


@click.command(name="complexity")
@network_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Count parameters and multiply-adds of network NAME.

    As shipped and in the paper's counting, beside what the paper prints.
    """
    from bench.paper.networks import describe_network
    from depthnet import zoo

    row = describe_network(zoo.get(name))
    emit(row, as_json, lambda: key_values({k: v for k, v in row.items() if k != "printed"}))
