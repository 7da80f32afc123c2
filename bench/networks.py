"""The zoo's networks as rows to print: size and cost, ours and the paper's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from depthnet import complexity, network, zoo


def describe_networks(progress: Callable[[str], None] = lambda line: None) -> list[dict[str, Any]]:
    """Describe every network of the zoo, in the order of the paper."""
    rows = []
    for entry in zoo.ENTRIES:
        progress(f"counting {entry.name}")
        rows.append(describe_network(entry))
    return rows


def describe_network(entry: zoo.Entry) -> dict[str, Any]:
    """One network: where it stands in the paper, weights (10^6) and MACs (10^9)."""
    built, _ = network.build(entry, pretrained=False)
    return {
        "name": entry.name,
        "description": entry.description,
        "table": entry.table,
        "row": entry.row,
        **complexity.measure(built).to_dict(),
        "printed": entry.printed,
        "open": entry.open,
    }
