"""`depthbench eval`: score a model on a data set."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import counter, emit, json_option, key_values, out_option, status

SHOWN = (
    *("model", "weights", "data", "split", "images", "protocol", "averaging", "runtime"),
    *("rmse", "mae", "rel", "log10", "delta1", "delta2", "delta3"),
)


@click.command(name="eval")
@click.argument("model", default="mobiledepth")
@click.option(
    "--data",
    help="rooms, nyu, or the path of a data set.  [default: nyu where it is present, else rooms]",
)
@click.option("--split", default="test", show_default=True, help="Which part of the data set.")
@click.option("--protocol", default="eigen", show_default=True, help="paper or eigen.")
@click.option("--limit", type=click.IntRange(min=1), help="Score only the first images.")
@click.option(
    "--runtime",
    type=click.Choice(["onnxruntime", "pytorch", "tvm"]),
    default="onnxruntime",
    show_default=True,
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--records",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the record to this .jsonl file.",
)
@out_option
@json_option
def command(
    model: str,
    data: str | None,
    split: str,
    protocol: str,
    limit: int | None,
    runtime: str,
    threads: int,
    records: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Score MODEL, a network's name or an .onnx file, under a named protocol."""
    from bench.accuracy import default_data, measure_accuracy
    from bench.models import resolve_model
    from bench.record import append_record
    from bench.runtimes.choose import open_runtime
    from depthnet import protocols
    from depthnet.data import open_dataset

    rule = protocols.get(protocol)
    dataset = open_dataset(data or default_data(), split, limit)
    with status() as progress:
        source = resolve_model(model, out, progress=progress)
        loaded = open_runtime(runtime, source, out, threads=threads)
    with loaded, counter(f"{dataset.name}, protocol {rule.name}", len(dataset)) as advance:
        record = measure_accuracy(source, loaded, dataset, rule, advance)
    if records:
        append_record(records, record)
    emit(record, as_json, lambda: key_values({key: record[key] for key in SHOWN}))
