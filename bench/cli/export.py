"""`depthbench export`: a network as one ONNX file."""

from __future__ import annotations

from pathlib import Path

import click

from bench.cli.common import OUT, emit, json_option, key_values, status


@click.command(name="export")
@click.argument("name", default="mobiledepth")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The file to write.  [default: {OUT}/NAME.onnx]",
)
@click.option(
    "--size", nargs=2, type=int, metavar="H W", help="Input height and width, multiples of 32."
)
@json_option
def command(name: str, output: Path | None, size: tuple[int, int] | None, as_json: bool) -> None:
    """Export network NAME to ONNX: RGB in [0, 1] in, metres out, checked against PyTorch."""
    from bench.models import export_network

    with status() as progress:
        model = export_network(name, output or OUT / f"{name}.onnx", size=size, progress=progress)
    document = {"file": str(model.path), **model.metadata}
    emit(document, as_json, lambda: key_values(document))
