"""The zoo's networks as rows to print: size and cost, ours and the paper's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bench.paper.counted import read_counted
from bench.paper.measured import read_measured
from bench.records.record import Record, new_record
from depthnet import paper, zoo
from depthnet.weights import pretrained


def describe_networks() -> list[dict[str, Any]]:
    """Describe every network of the zoo, in the order of the paper."""
    return [describe_network(entry) for entry in zoo.ENTRIES]


def record_complexity(name: str) -> Record:
    """The record of a network's size and cost, with the paper's rows that print it."""
    row = describe_network(zoo.get(name))
    counts = ("parameters", "parameters_paper", "macs_conv", "macs_paper")
    units = ("weights_m", "weights_paper_m", "macs_conv_g", "macs_paper_g")
    fields = {key: row[key] for key in (*counts, *units)}
    return new_record(
        "complexity",
        {"model": name, "input": list(row["input_size"]), "paper": row["rows"], **fields},
    )


def describe_network(entry: zoo.Entry) -> dict[str, Any]:
    """One network: its rows in the paper with the printed figures, weights (10^6), MACs (10^9).

    `emulated_cost` is what one inference cost on an emulated Cortex-A76 when that was last counted,
    None for those that never were.
    """
    rows = [
        {"table": table, "row": row, "printed": _numbers(paper.printed(table, row))}
        for table, row in entry.rows
    ]
    return {
        "name": entry.name,
        "encoder": entry.encoder,
        "decoder": asdict(entry.decoder) if entry.decoder else None,
        "baseline": entry.baseline,
        **(rows[0] if rows else {"table": None, "row": None, "printed": {}}),
        "rows": rows,
        **read_counted()[entry.name],
        "emulated_cost": read_measured()["cost"].get(entry.name),
        "trained": pretrained.weights_path(entry.name) is not None,
        "open": entry.open,
    }


def _numbers(figures: dict[str, str]) -> dict[str, float]:
    return {name: float(figure) for name, figure in figures.items()}
