"""`depthbench paper`: the paper's tables, ours beside the printed figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import json_option, records_option
from bench.cli.output import emit, render
from bench.cli.parameter_types import Name
from depthbench.plural import counted

if TYPE_CHECKING:
    from rich.table import Table

# Of ours one or two decimals more than are printed; what is not here has three.
DIGITS = {"weights_m": 3, "macs_g": 4, "cpu_ms": 1}
ABSENT = "."
COSTS = {
    "macs_g": "MACs",
    "instructions": "instructions, counted under emulation",
    "est_cycles": "estimated cycles, under emulation",
    "est_ms": "estimated milliseconds",
}


def _tables() -> list[str]:
    from depthnet import paper

    return ["all", *paper.tables()]


@click.command(name="paper")
@click.argument("table", default="all", type=Name("table", _tables, others=True))
@records_option("A .jsonl file with accuracy or latency.")
@json_option
def command(table: str, records: tuple[Path, ...], as_json: bool) -> None:
    """Print TABLE of the paper, I to X or all, with our figures.

    Weights and MACs are counted. Accuracy comes from the records given or from those that come
    with depthbench, milliseconds from the records given; both are empty where there are none.
    """
    from bench.paper.printed_tables import choose_tables, compare_with_paper
    from bench.records.record import read_records

    numbers = choose_tables(table)
    measured = read_records(*records)
    document = compare_with_paper(numbers, measured)
    emit(document, as_json, lambda: _text(document))


def _text(document: dict[str, Any]) -> str:
    parts = []
    for table in document["tables"]:
        parts.append(render(_table(table)))
        parts += [f"* {row['row']}: {row['note']}" for row in table["rows"] if row["note"]]
        parts.append("")
    return "\n".join([*parts, *_remarks(document)])


def _table(table: dict[str, Any]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from bench.paper.printed_columns import COLUMNS

    rows = table["rows"]
    # Rows that are a network of the zoo have counts that the others, and the paper, may not.
    keys = list(dict.fromkeys(key for row in rows if row["network"] for key in row["ours"]))
    keys = keys or list(rows[0]["printed"])
    title = Text(f"Table {table['table']}. {table['caption']}", style="bold")
    drawn = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    drawn.add_column("row")
    for key in keys:
        label = COLUMNS[key][0].replace("latency on the paper's phone", "latency")
        drawn.add_column(Text(label), justify="right")
        drawn.add_column("ours", justify="right", style="bold")
    for label in ("emulated cost [M cycles]", "estimated [ms]", "of printed"):
        drawn.add_column(Text(label), justify="right")
    for row in rows:
        cells = [Text(row["row"] + ("*" if row["note"] else ""))]
        cells += [Text(figure) for key in keys for figure in (_printed(row, key), _ours(row, key))]
        cost, share = row["emulated_cost"], row["estimated_share"]
        cells.append(Text(f"{cost['est_cycles'] / 1e6:.1f}" if cost else ABSENT))
        estimate = cost and cost.get("estimate")
        cells.append(Text(f"{estimate['milliseconds']:.1f}" if estimate else ABSENT))
        cells.append(Text(ABSENT if share is None else f"{share:.2f}"))
        drawn.add_row(*cells)
    return drawn


def _remarks(document: dict[str, Any]) -> Iterator[str]:
    yield (
        "Each figure: printed, then ours and its deviation; '.' where there is none (--json says "
        "why). Weights in 10^6 and MACs in 10^9, in the paper's counting. Latency: printed for "
        "one Cortex-A76 core of the paper's phone, ours on the device of its record. Emulated "
        "cost is no latency: cycles estimated under emulation, and milliseconds of depthbench's "
        "code with the caches of a Kirin 980, whose clock is that of the paper's phone."
    )
    if shares := document["estimated_shares"]:
        yield (
            f"Of {shares['networks']} networks, the estimate is {shares['least']:.2f} to "
            f"{shares['greatest']:.2f} of the printed milliseconds, in the middle "
            f"{shares['median']:.2f}. The paper ran other code (torch mobile), so that these are "
            "no errors of the estimate."
        )
    for cost, found in document["rank_correlation"].items():
        if found:
            yield (
                f"Rank correlation of our {COSTS[cost]} with the printed milliseconds, over "
                f"{counted(found['networks'], 'network')}: Spearman {found['spearman']:.2f}, "
                f"Kendall {found['kendall']:.2f}."
            )
    if len(document["tables"]) > 1:
        yield "The paper on itself:"
        yield from document["inconsistencies"]


def _printed(row: dict[str, Any], key: str) -> str:
    from bench.paper.printed_columns import COLUMNS

    printed = row["printed"].get(key)
    return ABSENT if printed is None else f"{printed:.{COLUMNS[key][1]}f}"


def _ours(row: dict[str, Any], key: str) -> str:
    ours, deviation = row["ours"].get(key), row["deviation"].get(key)
    if ours is None:
        return ABSENT
    shown = f"{ours:.{DIGITS.get(key, 3)}f}"
    return shown if deviation is None else f"{shown} {deviation:+.1%}"
