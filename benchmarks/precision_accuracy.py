"""What each precision costs in accuracy: the artefact itself scored on real images, as by `eval`.

python benchmarks/precision_accuracy.py [--models NAME ...] [--precisions NAME ...]
    [--data SPEC] [--protocol NAME] [--limit N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench import cli
from bench.accuracy.evaluate import default_data, measure_accuracy
from bench.models import resolve_model
from bench.runtimes.registry import open_runtime

if TYPE_CHECKING:
    from depthnet.data.pair import DepthDataset
    from depthnet.scoring.protocols import Protocol

MODELS = ("efficientnet_l2_cat", "mobiledepth")
PRECISIONS = ("fp32", "fp16", "int8")
METRICS = ("delta1", "rmse", "rel")


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--precisions", multiple=True, default=PRECISIONS, show_default=True)
@click.option("--data", help="As of `depthbench eval`.")
@click.option("--protocol", default="eigen", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="Score only the first images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...],
    precisions: tuple[str, ...],
    data: str | None,
    protocol: str,
    limit: int | None,
    as_json: bool,
) -> None:
    """Score every model in every precision on one thread of this machine."""
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    rule = protocols.get(protocol)
    dataset = open_dataset(data or default_data(), "test", limit)
    with tempfile.TemporaryDirectory() as folder:
        results = {name: measure(name, precisions, dataset, rule, Path(folder)) for name in models}
    document = {
        "data": dataset.name,
        "images": len(dataset),
        "protocol": rule.name,
        "target": "host",
        "models": results,
    }
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{len(dataset)} images of {dataset.name}, protocol {rule.name}")
    for name, by_precision in results.items():
        for precision, result in by_precision.items():
            shown = "  ".join(f"{metric} {result[metric]:.5f}" for metric in METRICS)
            click.echo(f"{name}  {precision}  {shown}  delta1 lost {result['delta1_lost']:+.5f}")


def measure(
    name: str,
    precisions: tuple[str, ...],
    dataset: DepthDataset,
    protocol: Protocol,
    out: Path,
) -> dict[str, dict[str, Any]]:
    """The scores of one model by precision, and what each loses against the first."""
    model = resolve_model(name, out)
    results: dict[str, dict[str, Any]] = {}
    for precision in precisions:
        with open_runtime("tvm", model, out, precision=precision) as runtime:
            record = measure_accuracy(model, runtime, dataset, protocol)
        results[precision] = {
            **{metric: record[metric] for metric in METRICS},
            "delta1_lost": results.get(precisions[0], record)["delta1"] - record["delta1"],
            "weights": record["weights"],
        }
    return results


if __name__ == "__main__":
    cli.main(command=main)
