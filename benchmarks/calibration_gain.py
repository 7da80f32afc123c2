"""What a scale, or a scale and a shift, by five measured distances is worth on a data set.

python benchmarks/calibration_gain.py [--models NAME ...] [--data SPEC] [--limit N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench import cli
from bench.accuracy.evaluate import as_predict, default_data, score_images
from bench.calibration.cards import FARTHER_INVERSE, NEARER
from bench.calibration.line_fit import fit_line
from bench.model_card import describe_model
from bench.models import resolve_model
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from depthnet.scoring.protocols import Comparison

PROTOCOL = "eigen"
PERCENTILES = (5, 27.5, 50, 72.5, 95)
SCALE, SHIFT = 3.0, 0.2
"""Of the disparity that stands for a model whose output has neither."""

Array = NDArray[np.float64]


@click.command()
@click.option("--models", multiple=True, default=("mobiledepth",), show_default=True)
@click.option("--data", help="As of `depthbench eval`.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first images.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], data: str | None, limit: int | None, as_json: bool) -> None:
    """Fit five pixels of every image, at percentiles of its depth; score the others.

    A model's metres are fitted by a scale, and their inverse, as a disparity of unknown scale and
    shift, by both.
    """
    results = {name: summarise(measure(name, data or default_data(), limit)) for name in models}
    if as_json:
        click.echo(json.dumps({"protocol": PROTOCOL, "models": results}, indent=2))
        return
    for name, result in results.items():
        click.echo(f"{name}, {result['images']} images, protocol {PROTOCOL}; RMSE in metres:")
        for what, told in result["rmse"].items():
            worse = f"{told['made_worse']:.0%} of images made worse"
            click.echo(f"{what:<24} mean {told['mean']:.3f}, median {told['median']:.3f}; {worse}")
        click.echo(f"refused, as their scale is negative: {result['refused']}")


def measure(name: str, data: str, limit: int | None) -> Iterator[dict[str, float]]:
    """The RMSE of each way, image by image."""
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    dataset = open_dataset(data, "test", limit)
    with tempfile.TemporaryDirectory() as folder:
        model = resolve_model(name, Path(folder))
        used = describe_model(model)
        with OnnxRuntimeCpu(model.path) as runtime:
            predict = as_predict(used, runtime)
            for result in score_images(predict, used, dataset, protocols.get(PROTOCOL)):
                yield score_fits(result.comparison)


def score_fits(comparison: Comparison) -> dict[str, float]:
    """The RMSE before and after each fit, on the pixels that are not measured."""
    mask = comparison.mask
    truth = comparison.truth[mask].astype(np.float64)
    metres = comparison.prediction[mask].astype(np.float64)
    order = np.argsort(truth, kind="stable")
    points = order[[round(share / 100 * (truth.size - 1)) for share in PERCENTILES]]
    rest = np.ones(truth.size, dtype=bool)
    rest[points] = False
    at, disparity = truth[points], SCALE / metres + SHIFT
    line = fit_line(disparity[points], 1 / at, with_shift=True, relative=True)
    scale, shift = np.polyfit(disparity, 1 / truth, 1, w=truth)
    nearest, farthest = at.min() / NEARER, at.max() * FARTHER_INVERSE

    def depth(inverse: Array) -> Array:
        return 1 / np.clip(inverse, 1 / farthest, 1 / nearest)

    found = {
        "before": metres,
        "metres, five points": metres * fit_line(metres[points], at, with_shift=False).scale,
        "metres, all pixels": metres * (metres @ truth) / (metres @ metres),
        "disparity, five points": depth(line.at(disparity)) if line.scale > 0 else metres * np.nan,
        "disparity, all pixels": depth(scale * disparity + shift),
    }
    return {name: rmse(fitted[rest], truth[rest]) for name, fitted in found.items()}


def rmse(depth: Array, truth: Array) -> float:
    return float(np.sqrt(np.mean((depth - truth) ** 2)))


def summarise(rows: Iterable[dict[str, float]]) -> dict[str, Any]:
    """Mean and median of each way over the images where it gave something."""
    table = pd.DataFrame(rows)
    worse = table.gt(table["before"], axis=0).mean()
    told = {"mean": table.mean(), "median": table.median(), "made_worse": worse}
    return {
        "images": len(table),
        "refused": int(table["disparity, five points"].isna().sum()),
        "rmse": pd.DataFrame(told).to_dict("index"),
    }


if __name__ == "__main__":
    cli.main(command=main)
