"""`depthbench diff`: one measurement, or one file of them, beside another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bench.cli.options import json_option
from bench.cli.output import emit, table


@click.command(name="diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@json_option
def command(a: str, b: str, as_json: bool) -> int:
    """Compare the times in records B with those in records A.

    Each is a FILE of records, or FILE#ID for one of them.

    For every model, target and device in both: the ratio of the medians, B / A, with a 95 %
    interval from drawing sessions and samples again. Measurements under other conditions are not
    compared; the conditions that differ are named. Fails (exit code 1) when nothing could be
    compared.
    """
    from bench.records.record_diff import compare_records, read_side

    document = compare_records(read_side(a), read_side(b))
    emit({"a": a, "b": b, **document}, as_json, lambda: _text(document))
    return 0 if document["compared"] else 1


def _text(document: dict[str, Any]) -> str:
    rows: list[Mapping[str, Any]] = [
        {
            "what": pair["what"],
            "kind": pair["kind"],
            "A p50, ms": pair["a_p50_ms"],
            "B p50, ms": pair["b_p50_ms"],
            "B / A": f"{pair['ratio']:.3f} ({pair['low']:.3f} to {pair['high']:.3f})",
            "": _remark(pair),
        }
        for pair in document["compared"]
    ]
    lines = [table(rows)] if rows else ["nothing to compare"]
    for pair in document["unlike"]:
        lines.append(f"not compared: {pair['what']}: {'; '.join(pair['conditions'])} in A and B")
    lines += [f"only in {each['in']}: {each['what']}" for each in document["alone"]]
    return "\n".join(lines)


def _remark(pair: Mapping[str, Any]) -> str:
    verdict = "differs" if pair["differs"] else "no difference seen"
    return f"{verdict}, invalid: {' and '.join(pair['invalid'])}" if pair["invalid"] else verdict
