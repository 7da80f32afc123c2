"""`depthbench eval`: score a model on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.card_options import card_options
from bench.cli.eval_video import eval_video
from bench.cli.options import (
    RECORDS,
    data_option,
    json_option,
    model_argument,
    out_option,
    protocol_option,
    record_option,
    split_option,
    threads_option,
)
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import FILE, RUNTIME
from bench.cli.progress import counter, status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked

SHEET_IMAGES = ("--sheet-images",)
OF_TRUTH = ("--data", "--split", "--protocol", "--sheet", *SHEET_IMAGES)
SHOWN = ("model", "weights", "data", "split", "images", "protocol", "averaging", "runtime")
METRICS = {
    **{"rmse": ("RMSE", " m"), "mae": ("MAE", " m"), "rel": ("REL", ""), "log10": ("log10", "")},
    **{"delta1": ("δ1", ""), "delta2": ("δ2", ""), "delta3": ("δ3", "")},
}


@click.command(name="eval")
@model_argument
@data_option
@split_option
@protocol_option
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="Measure how depth flickers over this video, or folder of frames, instead.",
)
@click.option("--static", is_flag=True, help="Neither its camera nor its scene moves.")
@click.option("--limit", type=click.IntRange(min=1), help="Score only the first images.")
@click.option(
    "--runtime",
    type=RUNTIME,
    default="onnxruntime",
    show_default=True,
)
@threads_option
@record_option
@click.option(
    "--sheet",
    type=FILE,
    help="Draw image, truth, prediction and error to this .png file.",
)
@click.option(
    "--sheet-images",
    type=click.IntRange(1, 50),
    default=8,
    show_default=True,
    help="How many images, spread over the data set.",
)
@card_options(output="--output")
@out_option
@json_option
def command(
    model: str,
    data: str | None,
    split: str,
    protocol: str | None,
    video: Path | None,
    static: bool,
    limit: int | None,
    runtime: str,
    threads: int,
    records: Path | None,
    sheet: Path | None,
    sheet_images: int,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> None:
    """Score MODEL on a data set under a named protocol.

    MODEL is a network's name or an .onnx file. One from elsewhere has a card: how an image goes
    in, and what comes out. The record is kept, so that `depthbench report` finds it.
    """
    into = records or out / RECORDS
    if video:
        refuse_unused(OF_TRUTH, "a video has no depth to score")
        eval_video(
            *(model, video, asked, out, into),
            static=static,
            limit=limit,
            runtime=runtime,
            threads=threads,
            as_json=as_json,
        )
        return
    refuse_unused(["--static"], "it is of a video", advice="name that with --video")
    if not sheet:
        refuse_unused(SHEET_IMAGES, "no sheet is drawn", advice="name one with --sheet")
    from bench.accuracy.contact_sheet import Sample, check_path, sheet_entry, write_contact_sheet
    from bench.accuracy.evaluate import ImageResult, default_data, measure_accuracy
    from bench.model_card import describe_model, open_model
    from bench.records.record import append_record
    from bench.runtimes.registry import open_runtime
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    if sheet:
        check_path(sheet)
    dataset = open_dataset(data or default_data(), split, limit)
    sample = Sample(len(dataset), sheet_images if sheet else 0)
    with status() as progress:
        source = open_model(model, out, asked, progress=progress)
        depth_model = describe_model(source, asked)
        meaning = depth_model.card.meaning
        rule = protocols.get(protocol or protocols.default_for(meaning))
        rule.space(meaning)
        loaded = open_runtime(runtime, source, out, threads=threads)
    with loaded, counter(f"{dataset.name}, protocol {rule.name}", len(dataset)) as advance:

        def on_image(result: ImageResult) -> None:
            sample(result)
            advance()

        record = measure_accuracy(source, loaded, dataset, rule, on_image, depth_model=depth_model)
    if sheet:
        with status() as progress:
            progress(f"drawing {sheet}")
            write_contact_sheet(sheet, sample.results, record)
        record["sheet"] = sheet_entry(sheet, into)
    append_record(into, record)
    emit(record, as_json, lambda: key_values(_shown(record, into)))


def _shown(record: dict[str, Any], into: Path) -> dict[str, Any]:
    """What a person wants to see of a record, and where it was kept."""
    shown = {key: record[key] for key in SHOWN} | _metrics(record)
    either = _metrics(record.get("either_mask", {}))
    shown |= {f"{label}, invalid truth counted": value for label, value in either.items()}
    return shown | {"recorded in": into}


def _metrics(scores: dict[str, Any]) -> dict[str, str]:
    return {
        label: "infinite" if scores[name] is None else f"{scores[name]:.4f}{unit}"
        for name, (label, unit) in METRICS.items()
        if name in scores
    }
