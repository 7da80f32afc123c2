"""`depthbench calibrate`: metres for a model, from a few measured distances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    RECORDS,
    fov_option,
    intrinsics_option,
    json_option,
    out_option,
    record_option,
    threads_option,
)
from bench.cli.output import emit, key_values, note, table
from bench.cli.parameter_types import FILE, MODEL, RUNTIME
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from depthbench.plural import counted

FITS = ("auto", "scale", "scale-and-shift")


@click.command()
@click.argument("model", type=MODEL)
@click.argument("images", nargs=-1, metavar="[IMAGE]...", type=click.Path(path_type=Path))
@click.option(
    "--point",
    "texts",
    multiple=True,
    metavar="[IMAGE:]X,Y=METRES",
    help="A measured distance, at a pixel of the upright picture; [IMAGE:]X,Y,RIGHT,BOTTOM=METRES "
    "takes the median of a box.",
)
@click.option(
    "--object",
    "objects",
    multiple=True,
    metavar="[IMAGE:]X,Y,RIGHT,BOTTOM=width:METRES",
    help="An object whose width or height is known, and its box; needs the focal length.",
)
@click.option(
    "--points",
    "file",
    type=FILE,
    help="A .csv file with columns of image, x, y, right, bottom, metres, width, height.",
)
@click.option("--ray", is_flag=True, help="Distances are from the camera to the point itself.")
@click.option(
    "--fit",
    "parameters",
    type=click.Choice(FITS),
    default="auto",
    show_default=True,
    help="What is fitted.",
)
@intrinsics_option
@fov_option
@click.option(
    "-o", "--card-output", type=FILE, help="The card to write.  [default: MODEL.onnx.json]"
)
@click.option(
    "--write-onnx",
    type=FILE,
    help="Write the model with the calibration in it to this .onnx file, in place of a card.",
)
@click.option("--runtime", type=RUNTIME, default="onnxruntime", show_default=True)
@threads_option
@record_option
@card_options(output="--output")
@out_option
@json_option
def command(
    model: str,
    images: tuple[Path, ...],
    texts: tuple[str, ...],
    objects: tuple[str, ...],
    file: Path | None,
    ray: bool,
    parameters: Any,
    intrinsics: tuple[float, float, float, float] | None,
    fov: float | None,
    card_output: Path | None,
    write_onnx: Path | None,
    runtime: str,
    threads: int,
    records: Path | None,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> None:
    """Fit MODEL's scale and shift to distances that were measured in IMAGE.

    They are kept in MODEL.onnx.json, so that all commands give metres.
    """
    from bench.calibration.keep import calibrate_and_keep
    from bench.calibration.points import check_pictures, parse_points, read_points
    from bench.prediction.intrinsics import Intrinsics
    from bench.prediction.wanted import Wanted

    seen_by = Wanted(camera=Intrinsics(*intrinsics) if intrinsics else None, field_of_view=fov)
    seen_by.check()
    points = parse_points(texts, objects, images)
    points += read_points(file, images) if file else []
    check_pictures(images, points)
    if points and all(point.of_object for point in points):
        refuse_unused(["--ray"], "no distance was measured: objects are")
    into = records or out / RECORDS
    with status() as progress:
        record = calibrate_and_keep(
            *(model, points, out, asked),
            camera_of=seen_by.camera_of_photo,
            parameters=parameters,
            along_ray=ray,
            card=card_output,
            onnx=write_onnx,
            records=into,
            runtime=runtime,
            threads=threads,
            progress=progress,
        )
    for line in record["notes"]:
        note(line)
    emit(record, as_json, lambda: _text(record, into))


def _text(record: dict[str, Any], into: Path) -> str:
    """What was fitted, the points, and the error by distance, for a person."""
    measured = counted(len(record["measured"]), "point")
    shown = {
        "model": record["model"],
        "fitted": f"{record['fitted']}, to {record['points']} of {measured}",
        "scale": _with_interval(record["scale"], record["scale_interval"]),
        "shift": _with_interval(record["shift"], record["shift_interval"]),
        "gives": record["card"]["meaning"],
        "kept in": ", ".join(record["kept_in"]),
        "recorded in": into,
    }
    parts = [key_values(shown), table([_point_row(point) for point in record["measured"]])]
    if record["by_distance"]:
        everything = {**record, "name": "all", "from_m": None, "to_m": None, "within_m": None}
        parts.append(table([_part_row(part) for part in (*record["by_distance"], everything)]))
    return "\n\n".join(parts)


def _with_interval(value: float, ends: list[float] | None) -> str:
    return f"{value:.4g}" + (f" ({ends[0]:.4g} to {ends[1]:.4g}, 95 %)" if ends else "")


def _point_row(point: dict[str, Any]) -> dict[str, Any]:
    box = [point[name] for name in ("x", "y", "right", "bottom") if point[name] is not None]
    return {
        "picture": point["picture"],
        "at": ",".join(f"{edge:g}" for edge in box),
        "measured m": point["metres"],
        "fitted m": point["fitted_m"],
        "by the others m": point["left_out_m"],
        "used": point["used"],
    }


def _part_row(part: dict[str, Any]) -> dict[str, Any]:
    reach = "" if part["from_m"] is None else f"{part['from_m']:.3g} to {part['to_m']:.3g}"
    return {
        "distance": part["name"],
        "m": reach,
        "points": part["points"],
        "error m": part["mae_m"],
        "error %": 100 * part["rel"],
        "left out m": part["left_out_mae_m"],
        "left out %": None if part["left_out_rel"] is None else 100 * part["left_out_rel"],
        "95 % within m": part["within_m"],
        "before m": part["before_mae_m"],
    }
