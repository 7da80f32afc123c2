"""`depthbench paper`: the paper's tables, ours beside the printed figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.common import emit, json_option, status

# Decimals as printed, and one more or two of ours; 3 each of what is not here.
PRINTED_DIGITS = {"weights_m": 2, "macs_g": 2, "cpu_ms": 0}
OUR_DIGITS = {"weights_m": 3, "macs_g": 4, "cpu_ms": 1}
ABSENT = "."


@click.command(name="paper")
@click.argument("table")
@click.option(
    "--records",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .jsonl file with accuracy, latency or cost; repeat for several.",
)
@json_option
def command(table: str, records: tuple[Path, ...], as_json: bool) -> None:
    """Print TABLE (I to X, or all) of the paper, ours beside the printed figures.

    Weights and MACs are counted; accuracy and milliseconds come from the records given, and
    are empty where those hold none.
    """
    from bench.paper import choose_tables, compare_with_paper
    from bench.record import read_records

    numbers = choose_tables(table)
    measured = read_records(*records)
    with status() as progress:
        document = compare_with_paper(numbers, measured, progress)
    emit(document, as_json, lambda: _render(document))


def _render(document: dict[str, Any]) -> str:
    parts = [_render_table(table) for table in document["tables"]]
    parts.append(
        "Each figure: printed, then ours and its deviation; '.' where there is none (--json says "
        "why).\nweights_m: 10^6, macs_g: 10^9, both in the paper's counting; rmse, mae: m; "
        "cpu_ms: ms on one Cortex-A76 core, ours on the device of its record."
    )
    for cost, found in document["rank_correlation"].items():
        if found:
            parts.append(
                f"Rank correlation of our {cost} with the printed cpu_ms: "
                f"{found['spearman']:.2f} over {found['networks']} networks."
            )
    if len(document["tables"]) > 1:
        parts.append("\n".join(["The paper on itself:", *document["inconsistencies"]]))
    return "\n\n".join(parts)


def _render_table(table: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = table["rows"]
    # Rows that are a network of the zoo have counts that the others, and the paper, may not.
    keys = list(dict.fromkeys(key for row in rows if row["network"] for key in row["ours"]))
    keys = keys or list(rows[0]["printed"])
    headers = ["row", *(title for key in keys for title in (key, "ours"))]
    costs = any(row["emulated_cost"] for row in rows)
    if costs:
        headers.append("emulated cost, not latency")
    lines = []
    for row in rows:
        cells = [row["row"] + ("*" if row["note"] else "")]
        for key in keys:
            cells += [_printed(row, key), _ours(row, key)]
        if costs:
            cost = row["emulated_cost"]
            cells.append(f"{cost['p50']:.0f}" if cost else ABSENT)
        lines.append(cells)
    aligned = ["left"] + ["right"] * (len(headers) - 1)
    body = tabulate(lines, headers, disable_numparse=True, colalign=aligned)
    notes = [f"* {row['row']}: {row['note']}" for row in rows if row["note"]]
    return "\n".join([f"Table {table['table']}. {table['caption']}", body, *notes])


def _printed(row: dict[str, Any], key: str) -> str:
    printed = row["printed"].get(key)
    return ABSENT if printed is None else f"{printed:.{PRINTED_DIGITS.get(key, 3)}f}"


def _ours(row: dict[str, Any], key: str) -> str:
    ours, deviation = row["ours"].get(key), row["deviation"].get(key)
    if ours is None:
        return ABSENT
    shown = f"{ours:.{OUR_DIGITS.get(key, 3)}f}"
    return shown if deviation is None else f"{shown} {deviation:+.1%}"
