"""`depthbench complexity`: parameters and MACs of one network."""

from __future__ import annotations

from typing import Any

import click

from bench.cli.options import json_option, network_argument
from bench.cli.output import emit, table
from bench.report.numbers import fixed

COUNTINGS = ("as shipped", "in the paper's counting", "printed")
JOINS = {"add": "added", "cat": "concatenated"}


@click.command(name="complexity")
@network_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Show parameters and multiply-adds of network NAME.

    As shipped and in the paper's counting, beside what the paper prints.
    """
    from bench.paper.networks import describe_network
    from depthnet import zoo

    network = describe_network(zoo.get(name))
    emit(network, as_json, lambda: _text(network))


def _text(network: dict[str, Any]) -> str:
    height, width = network["input_size"]
    rows = [
        _counts(network, "parameters [M]", ("weights_m", "weights_paper_m", "weights_m"), 3),
        _counts(network, "multiply-adds [G]", ("macs_conv_g", "macs_paper_g", "macs_g"), 4),
    ]
    lines = [
        f"{network['name']}: {_built(network)}.",
        f"Input: one RGB image of {height}x{width}. Weights: {_weights(network)}.",
        "",
        table(rows, right=COUNTINGS),
        "",
        "As shipped, multiply-adds are those of convolutions and linear layers. The paper counts "
        "the unused classifier of the encoder, and operations of biases, batch norm, ReLU and "
        "pooling.",
    ]
    if network["rows"]:
        lines += ["", "The paper prints:"]
    lines += [f"  table {row['table']}, {row['row']}: {_figures(row)}" for row in network["rows"]]
    if network["open"]:
        lines += ["", f"The paper leaves open: {network['open']}."]
    return "\n".join(lines)


def _counts(
    network: dict[str, Any], what: str, keys: tuple[str, str, str], digits: int
) -> dict[str, Any]:
    shipped, as_paper, printed = keys
    return {
        "": what,
        COUNTINGS[0]: fixed(network[shipped], digits),
        COUNTINGS[1]: fixed(network[as_paper], digits),
        COUNTINGS[2]: fixed(network["printed"].get(printed), 2),
    }


def _built(network: dict[str, Any]) -> str:
    decoder = network["decoder"]
    if decoder is None:
        return "a baseline that the paper compares with"
    widths = ", ".join(map(str, decoder["widths"]))
    how = JOINS.get(decoder["join"])
    joined = f"skip connections {how}" if how else "no skip connections"
    block = decoder["block"].replace("_", " ")
    return f"encoder {network['encoder']}, decoder of {block} blocks ({widths} wide), {joined}"


def _weights(network: dict[str, Any]) -> str:
    if network["trained"]:
        return "trained, they come with depthbench"
    return "not trained; `depthbench train` does that"


def _figures(row: dict[str, Any]) -> str:
    from bench.paper.printed_columns import COLUMNS

    known = {key: COLUMNS[key] for key in row["printed"] if key in COLUMNS}
    return ", ".join(f"{label} {row['printed'][key]:.{d}f}" for key, (label, d) in known.items())
