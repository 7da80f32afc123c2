"""`depthbench quantise`: a network or an ONNX file with its products in int8."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.card_options import card_options
from bench.cli.options import json_option, model_argument, out_option
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import FILE
from bench.cli.progress import status
from bench.model_card import Asked
from bench.report.numbers import megabytes
from depthbench.plural import counted


@click.command(name="quantise")
@model_argument
@click.option(
    "--data",
    help="Whose training images calibrate: rooms, nyu, or a path.  [default: nyu where it is "
    "present, else rooms]",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many of them, each also mirrored.",
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    help="The file to write.  [default: OUT/MODEL-int8.onnx]",
)
@card_options()
@out_option
@json_option
def command(
    model: str,
    data: str | None,
    images: int,
    output: Path | None,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> None:
    """Quantise MODEL to int8 with ONNX Runtime.

    MODEL is a network's name or an .onnx file.
    """
    from bench.accuracy.evaluate import default_data
    from bench.model_card import open_model
    from bench.quantise import Calibration, quantise

    with status() as progress:
        source = open_model(model, out, asked, progress=progress)
        path = output or out / f"{source.name}-int8.onnx"
        calibration = Calibration(data or default_data(), images)
        made = quantise(source, path, calibration, progress, asked)
    document = {"file": str(made.path), "sha256": made.sha256, **made.metadata}
    shown = {
        "file": made.path,
        "made of": f"{source.file}, calibrated on {counted(calibration.images, 'image')} of "
        f"{calibration.data}, protocol {calibration.protocol}",
        "size": f"{megabytes(made.path.stat().st_size)} instead of "
        f"{megabytes(source.path.stat().st_size)}",
        "SHA-256": made.sha256,
    }
    emit(document, as_json, lambda: key_values(shown))
