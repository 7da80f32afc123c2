"""`depthbench compile`: an ONNX model as an artefact for a target."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.options import (
    FILE,
    FOLDER,
    input_shape_option,
    json_option,
    model_argument,
    out_option,
    precision_option,
    target_option,
    threads_option,
)
from bench.cli.output import emit, key_values, warn
from bench.cli.progress import status


@click.command(name="compile")
@model_argument
@target_option("arm64-a76")
@precision_option
@threads_option
@click.option(
    "-o",
    "--output",
    type=FOLDER,
    help="The artefact folder to write.  [default: OUT/MODEL-TARGET]",
)
@input_shape_option
@click.option(
    "--tuned",
    type=FILE,
    help="Tuned choices to prefer.  [default: what `depthbench tune` last wrote]",
)
@click.option("--untuned", is_flag=True, help="Take no tuned choices, not even those shipped.")
@click.option("--force", is_flag=True, help="Compile even when nothing changed.")
@out_option
@json_option
def command(
    model: str,
    target: str,
    precision: str | None,
    threads: int,
    output: Path | None,
    shapes: tuple[tuple[str, tuple[int, ...]], ...],
    tuned: Path | None,
    untuned: bool,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Compile MODEL with Apache TVM.

    MODEL is a network's name or an .onnx file.
    """
    from bench.compile_service import compile_for, describe_artefact

    with status() as progress:
        artefact = compile_for(
            model,
            target,
            out,
            output=output,
            precision=precision,
            threads=threads,
            input_shapes=dict(shapes),
            records=tuned,
            untuned=untuned,
            force=force,
            progress=progress,
        )
    for warning in artefact.manifest["warnings"]:
        warn(warning)
    document = describe_artefact(artefact)
    emit(document, as_json, lambda: key_values(document))
