"""`depthbench quantise`: a network or an ONNX file with its products in int8."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import input_shape_option, json_option, model_argument, out_option
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import FILE, Shapes
from bench.cli.progress import status
from bench.report.numbers import megabytes


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
@input_shape_option
@out_option
@json_option
def command(
    model: str,
    data: str | None,
    images: int,
    output: Path | None,
    shapes: Shapes,
    out: Path,
    as_json: bool,
) -> None:
    """Quantise MODEL to int8 with ONNX Runtime.

    MODEL is a network's name or an .onnx file.
    """
    from bench.accuracy.evaluate import default_data
    from bench.models import fix_shapes, resolve_model
    from bench.quantise import Calibration, quantise

    with status() as progress:
        source = resolve_model(fix_shapes(model, dict(shapes), out), out, progress=progress)
        path = output or out / f"{source.name}-int8.onnx"
        calibration = Calibration(data or default_data(), images)
        made = quantise(source, path, calibration, progress)
    document = {"file": str(made.path), "sha256": made.sha256, **made.metadata}
    shown = {
        "file": made.path,
        "made of": f"{source.path}, calibrated on {calibration.images} images of "
        f"{calibration.data}, protocol {calibration.protocol}",
        "size": f"{megabytes(made.path.stat().st_size)} instead of "
        f"{megabytes(source.path.stat().st_size)}",
        "SHA-256": made.sha256,
    }
    emit(document, as_json, lambda: key_values(shown))
