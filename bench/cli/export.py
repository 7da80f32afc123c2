"""`depthbench export`: a network as one ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import OUT, json_option, network_argument
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import FILE
from bench.cli.progress import status

if TYPE_CHECKING:
    from bench.models import Model


@click.command(name="export")
@network_argument
@click.option(
    "-o",
    "--output",
    type=FILE,
    help=f"The file to write.  [default: {OUT}/NAME.onnx, NAME of --weights where given]",
)
@click.option(
    "--weights",
    type=FILE,
    help="Weights file of the network, pruned or not, instead of those that ship.",
)
@click.option(
    "--size", nargs=2, type=int, metavar="H W", help="Input height and width, multiples of 32."
)
@json_option
def command(
    name: str,
    output: Path | None,
    weights: Path | None,
    size: tuple[int, int] | None,
    as_json: bool,
) -> None:
    """Export network NAME to one ONNX file, checked against PyTorch.

    It takes RGB in [0, 1] and gives metres.
    """
    from bench.models import export_network

    with status() as progress:
        path = output or OUT / f"{weights.stem if weights else name}.onnx"
        model = export_network(name, path, size=size, weights=weights, progress=progress)
    document = {"file": str(model.path), **model.metadata}
    emit(document, as_json, lambda: _text(model))


def _text(model: Model) -> str:
    *_, height, width = model.input_shape
    counted = model.complexity
    return key_values(
        {
            "file": model.path,
            "input": f"{model.input_name}, 1x3x{height}x{width}, RGB in [0, 1]",
            "output": f"depth, 1x1x{height}x{width}, metres",
            "weights": str(model.origin or "unknown"),
            "parameters": f"{counted['parameters'] / 1e6:.3f} M",
            "multiply-adds": f"{counted['macs_conv'] / 1e9:.4f} G",
            "SHA-256": model.sha256,
        }
    )
