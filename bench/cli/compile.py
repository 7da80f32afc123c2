"""`depthbench compile`: an ONNX model as an artefact for a target."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import emit, json_option, key_values, out_option, status


@click.command(name="compile")
@click.argument("model", default="mobiledepth")
@click.option(
    "--target",
    default="arm64-a76",
    show_default=True,
    help="What to compile for: arm64-a76 or host.",
)
@click.option(
    "--precision",
    help="How weights are kept and sums are taken: fp32, fp16 or int8 (inputs and outputs are "
    "float32); a model that is not quantised is for int8.  [default: the model's]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many cores one inference may use at once.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="The artefact folder to write.  [default: OUT/MODEL-TARGET]",
)
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    metavar="NAME=1x3xHxW",
    help="The shape of an input that the model leaves open; repeat for several.",
)
@click.option(
    "--records",
    type=click.Path(dir_okay=False, path_type=Path),
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
    shapes: tuple[str, ...],
    records: Path | None,
    untuned: bool,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Compile MODEL, a network's name or an .onnx file, with Apache TVM."""
    from bench.compile_service import compile_for, describe_artefact

    with status() as progress:
        artefact = compile_for(
            model,
            target,
            out,
            output=output,
            precision=precision,
            threads=threads,
            input_shapes=dict(_parse_shape(shape) for shape in shapes),
            records=records,
            untuned=untuned,
            force=force,
            progress=progress,
        )
    for warning in artefact.manifest["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    document = describe_artefact(artefact)
    emit(document, as_json, lambda: key_values(document))


def _parse_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, _, shape = text.rpartition("=")
    edges = shape.split("x")
    if not name or not all(edge.isdecimal() and int(edge) > 0 for edge in edges):
        raise click.BadParameter(f"'{text}': write NAME=1x3x224x224")
    return name, tuple(map(int, edges))
