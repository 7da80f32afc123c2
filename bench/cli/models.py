"""`depthbench models`: every network by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bench.cli.options import json_option
from bench.cli.output import emit, table
from bench.report.numbers import fixed

PRINTED = {"rmse": ("RMSE [m]", 3), "delta1": ("δ1", 3), "cpu_ms": ("latency [ms]", 0)}


@click.command(name="models")
@json_option
def command(as_json: bool) -> None:
    """List the networks, with their size and cost beside the paper's."""
    from bench.paper.networks import describe_networks

    rows = describe_networks()
    emit(rows, as_json, lambda: _text(rows))


def _text(networks: list[dict[str, Any]]) -> str:
    rows = [_row(network) for network in networks]
    trained = sum(network["trained"] for network in networks)
    return "\n".join(
        [
            table(rows, right=rows[0].keys() - {"network", "the paper's row", "trained"}),
            "",
            f"{len(rows)} networks, of which {trained} come with trained weights: the others start "
            "from ImageNet or from random weights.",
            "Estimated cycles: of one inference as depthbench compiles it, counted on an emulated "
            "Cortex-A76; no latency. `depthbench cost NETWORK` counts it again.",
            "Weights and MACs: ours, in the paper's counting, and (in brackets) as printed. RMSE, "
            "δ1 and latency are the paper's own, of one Cortex-A76 core of its phone; `depthbench "
            "paper` sets ours beside them.",
        ]
    )


def _row(network: Mapping[str, Any]) -> dict[str, Any]:
    printed, cost = network["printed"], network["emulated_cost"]
    row = f"{network['table']}: {network['row']}" if network["table"] else None
    return {
        "network": network["name"],
        "the paper's row": row,
        "weights [M]": _beside(network["weights_paper_m"], printed.get("weights_m")),
        "MACs [G]": _beside(network["macs_paper_g"], printed.get("macs_g")),
        **{label: fixed(printed.get(key), digits) for key, (label, digits) in PRINTED.items()},
        "est. cycles [M]": fixed(cost and cost["est_cycles"] / 1e6, 0),
        "trained": "yes" if network["trained"] else None,
    }


def _beside(ours: float, printed: float | None) -> str:
    return f"{ours:.2f} ({fixed(printed, 2)})"
