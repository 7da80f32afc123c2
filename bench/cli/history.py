"""`depthbench history`: a model's figures over commits and dates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bench.cli.options import OUT, RECORDS, json_option, model_argument, records_option
from bench.cli.output import emit, table
from bench.cli.parameter_types import FILE
from depthbench.plural import counted

LATEST = 5


@click.command(name="history")
@model_argument
@records_option(f"The .jsonl files to read.  [default: {OUT / RECORDS}]")
@click.option("-o", "--output", type=FILE, help="Also write it to this file: .html, .csv or .json.")
@json_option
def command(model: str, records: tuple[Path, ...], output: Path | None, as_json: bool) -> None:
    """Show how a model's figures moved, over commits and dates.

    Accuracy by protocol and data, latency by device with the gate's limit, instructions and
    estimated time of a Cortex-A76, and size: what records of the same measurement say, run by
    run, and at which commit a figure jumped. HTML is one page with charts that needs no other
    file.
    """
    from bench.history.history import build_history
    from bench.history.write_history import write_history
    from bench.records.record import read_records

    sources = records or (OUT / RECORDS,)
    name = Path(model).stem if model.endswith(".onnx") else model
    document = build_history(read_records(*sources), name, one_file=len(sources) == 1)
    if output:
        write_history(document, output)
    emit(document, as_json, lambda: _text(document))


def _text(history: Mapping[str, Any]) -> str:
    from bench.history.history_wording import describe_line, describe_records, list_jumps

    lines = [f"{history['model']}: {describe_records(history)}"]
    lines += ["", *(list_jumps(history["jumps"], LATEST) or ["nothing jumped"])]
    for line in history["lines"]:
        lines += ["", describe_line(line), *_runs(line)]
    return "\n".join([*lines, *(f"note: {note}" for note in history["notes"])])


def _runs(line: Mapping[str, Any]) -> list[str]:
    from bench.history.history_wording import describe_run, numeric_columns

    hidden = len(line["runs"]) - LATEST
    rows = [describe_run(line, run) for run in line["runs"][-LATEST:]]
    told = [f"not shown: {counted(hidden, 'older run')}, which --json has"] if hidden > 0 else []
    return [*told, table(rows, right=numeric_columns(line)), *filter(None, [line["why_no_limit"]])]
