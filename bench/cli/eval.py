"""`depthbench eval`: score a model on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
@click.option(
    "--protocol",
    default="eigen",
    show_default=True,
    help="paper, eigen, fastdepth, aligned or median.",
)
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
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw image, truth, prediction and error to this .png file.",
)
@click.option(
    "--sheet-images",
    type=click.IntRange(1, 50),
    default=8,
    show_default=True,
    help="How many images, spread over the data set.",
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
    sheet: Path | None,
    sheet_images: int,
    out: Path,
    as_json: bool,
) -> None:
    """Score MODEL, a network's name or an .onnx file, under a named protocol."""
    from bench.accuracy.contact_sheet import Sample, check_path, sheet_entry, write_contact_sheet
    from bench.accuracy.evaluate import ImageResult, default_data, measure_accuracy
    from bench.models import resolve_model
    from bench.records.record import append_record
    from bench.runtimes.registry import open_runtime
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    rule = protocols.get(protocol)
    if sheet:
        check_path(sheet)
    dataset = open_dataset(data or default_data(), split, limit)
    sample = Sample(len(dataset), sheet_images if sheet else 0)
    with status() as progress:
        source = resolve_model(model, out, progress=progress)
        loaded = open_runtime(runtime, source, out, threads=threads)
    with loaded, counter(f"{dataset.name}, protocol {rule.name}", len(dataset)) as advance:

        def on_image(result: ImageResult) -> None:
            sample(result)
            advance()

        record = measure_accuracy(source, loaded, dataset, rule, on_image)
    if sheet:
        with status() as progress:
            progress(f"drawing {sheet}")
            write_contact_sheet(sheet, sample.results, record)
        record["sheet"] = sheet_entry(sheet, records)
    if records:
        append_record(records, record)
    emit(record, as_json, lambda: key_values(_summary(record)))


def _summary(record: dict[str, Any]) -> dict[str, Any]:
    """What a person wants to see of a record."""
    either = record.get("either_mask", {})
    named = {f"{key} (invalid truth counted)": value for key, value in either.items()}
    return {key: record[key] for key in SHOWN} | named
