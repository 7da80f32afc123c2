"""`depthbench predict`: the depth of pictures, videos and cameras, as files."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bench.cli.card_options import card_options
from bench.cli.options import (
    FLAGSHIP,
    OUT,
    HereByDefault,
    device_option,
    fov_option,
    intrinsics_option,
    json_option,
    out_option,
    threads_option,
)
from bench.cli.output import emit, note
from bench.cli.parameter_types import FOLDER, MODEL, RUNTIME
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from depthbench.plural import counted

OF_COLOURS = ("--colours", "--near", "--far", "--side-by-side")


@click.command(cls=HereByDefault)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--model",
    type=MODEL,
    default=FLAGSHIP,
    show_default=True,
    help="A network's name, an .onnx file, or the folder of an artefact.",
)
@click.option(
    "--runtime",
    type=RUNTIME,
    help="What the model runs on here.  [default: onnxruntime; tvm for an artefact]",
)
@device_option
@threads_option
@click.option(
    "--output",
    "into",
    type=FOLDER,
    default=OUT / "predict",
    show_default=True,
    help="Folder for the predictions.",
)
@click.option(
    "--format",
    "formats",
    metavar="NAME,...",
    help="Of colour (PNG with its bar), mm (16-bit PNG of millimetres), npy, ply (point cloud) and "
    "video. Of a video or camera all but video are of every frame.  [default: colour, with "
    "--intrinsics or --fov also ply; of a video or camera video]",
)
@click.option("--side-by-side", is_flag=True, help="The picture beside its coloured depth.")
@click.option(
    "--colours", default="inferno", show_default=True, help="A colour map of matplotlib's."
)
@click.option("--near", type=float, help="What the colours begin at, in the unit of the bar.")
@click.option("--far", type=float, help="What they end at.")
@intrinsics_option
@fov_option
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Of a camera or video, no more than so many.  [default: all; a camera until Ctrl-C]",
)
@click.option(
    "--flip", is_flag=True, help="Average with the mirrored image, as eval's protocols do."
)
@card_options(output="--depth-output")
@out_option
@json_option
def command(
    inputs: tuple[str, ...],
    model: str,
    runtime: str | None,
    device: str | None,
    threads: int,
    into: Path,
    formats: str | None,
    side_by_side: bool,
    colours: str,
    near: float | None,
    far: float | None,
    intrinsics: tuple[float, float, float, float] | None,
    fov: float | None,
    seconds: float | None,
    flip: bool,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> int:
    """Predict the depth of INPUT: a picture, a folder of pictures, a video, camera:0.

    The same code is scored by `depthbench eval`.
    """
    from bench.prediction.intrinsics import Intrinsics
    from bench.prediction.output_folder import OutputFolder
    from bench.prediction.predict_all import Prediction
    from bench.prediction.predictor import open_predictor
    from bench.prediction.sources import find_sources
    from bench.prediction.wanted import Wanted

    wanted = Wanted(
        formats=tuple(formats.split(",")) if formats else (),
        side_by_side=side_by_side,
        flip=flip,
        colours=colours,
        near=near,
        far=far,
        camera=Intrinsics(*intrinsics) if intrinsics else None,
        field_of_view=fov,
    )
    wanted.check()
    if wanted.formats and not set(wanted.formats) & {"colour", "video"}:
        refuse_unused(OF_COLOURS, f"no colours are drawn with --format {formats}")
    folder = OutputFolder(into)
    found = find_sources(inputs, folder)
    if all(source.kind == "picture" for source in found.sources):
        refuse_unused(["--seconds"], "no INPUT is a video or camera")
    if found.skipped:
        files = counted(found.skipped, "file that is no picture", "files that are no pictures")
        note(f"skipped: {files}")
    with ExitStack() as opened:
        with status() as progress:
            predictor = opened.enter_context(
                open_predictor(
                    *(model, out, asked),
                    runtime=runtime,
                    device=device,
                    threads=threads,
                    progress=progress,
                )
            )
        wanted.check_for(predictor.meaning)
        written = [wanted.formats_for(one.kind, predictor.meaning) for one in found.sources]
        if not predictor.knows_focal and not any("ply" in formats for formats in written):
            why = "no point cloud is written, and the model was calibrated at no focal length"
            refuse_unused(["--intrinsics", "--fov"], why)
        with status() as progress:
            prediction = Prediction(predictor, wanted, folder, seconds, progress)
            done = prediction.predict(found.sources)
    document = {"predictions": done.documents, "failed": done.failed, "skipped": found.skipped}
    if done.documents:
        emit(document, as_json, lambda: "\n".join(map(_text, done.documents)))
    for failed in done.failed:
        click.echo(f"depthbench: {failed['why']}", err=True)
    if done.stopped:
        raise done.stopped
    return max((failed["exit_code"] for failed in done.failed), default=0)


def _text(document: dict[str, Any]) -> str:
    """What was predicted, and where it lies, for a person."""
    unit = document["unit"]
    said = [f"{document['near']:.3g} to {document['far']:.3g} {unit}"] if unit != "relative" else []
    if "frames" in document:
        count = document["frames"]
        said.append(counted(count, "frame"))
        if rate := document["frames_per_second"]:
            where = f"{document['runtime']}, {document['device']}"
            said.append(f"{rate:.1f} a second, all work included ({where})")
    lines = [f"{document['input']}: {'; '.join(said) or unit}"]
    lines += [f"  {file}" for file in document["files"]]
    return "\n".join([*lines, *(f"  note: {text}" for text in document["notes"])])
