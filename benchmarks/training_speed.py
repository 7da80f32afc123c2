"""How many images a second networks learn from, by device.

python benchmarks/training_speed.py [--models NAME ...] [--device cpu] [--device cuda] [--json]
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch

from bench import cli
from depthnet import network, zoo
from depthnet.training import recipe as recipes
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.samples import Samples
from depthnet.training.distributed import World
from depthnet.training.interrupt import StopRequest
from depthnet.training.loop import Trainer
from depthnet.training.run import device_name

SAMPLES = 128
SECONDS = 5.0
"""Of each network's measurement, after it has warmed up."""


@click.command()
@click.option("--models", multiple=True, default=("mobiledepth",), show_default=True)
@click.option(
    "--device", "devices", multiple=True, default=("cpu",), type=click.Choice(["cpu", "cuda"])
)
@click.option("--batch", type=click.IntRange(min=2), default=16, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: Sequence[str],
    devices: Sequence[str],
    batch: int,
    threads: int,
    repeats: int,
    as_json: bool,
) -> None:
    """Train on random pictures at the networks' own size, by the recipe `better`."""
    torch.set_num_threads(threads)
    results = [
        measure(name, device, batch, repeats) | {"threads": threads}
        for device in devices
        for name in models
    ]
    for result in [] if as_json else results:
        click.echo(
            f"{result['model']} on {result['device']}: {result['images_per_s']:.1f} images/s "
            f"({result['precision']}, batch {batch}, {threads} threads, median of {repeats}; "
            f"warm after {result['warm_up_s']:.1f} s)"
        )
    if as_json:
        click.echo(json.dumps({"machine": platform.machine(), "results": results}, indent=2))


def measure(name: str, device: str, batch: int, repeats: int) -> dict[str, Any]:
    """Images a second of one network: the median of `repeats` times of about `SECONDS`."""
    recipe = replace(recipes.get("better", batch=batch), epochs=10**6)
    built, _ = network.build(zoo.get(name), pretrained=False)
    with tempfile.TemporaryDirectory() as folder, StopRequest() as stop:
        began = time.monotonic()
        trainer = Trainer(built, recipe, pictures(), Path(folder), world=World(device=device))
        turns = trainer.turns(stop)
        # On a GPU the first steps choose kernels and become a graph.
        while trainer.position.epoch == 0:
            next(turns)
        warm_up = time.monotonic() - began
        speeds = []
        for _ in range(repeats):
            first, began = trainer.number, time.monotonic()
            while time.monotonic() - began < SECONDS or trainer.number == first:
                next(turns)
            speeds.append((trainer.number - first) * batch / (time.monotonic() - began))
    return {
        "model": name,
        "device": device_name(device),
        "precision": trainer.precision,
        "batch": batch,
        "images_per_s": median(speeds),
        "warm_up_s": warm_up,
    }


def pictures() -> TrainingData:
    """Random pictures with random depth: what is in them costs no time."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (SAMPLES, 3, 288, 288), generator=generator, dtype=torch.uint8)
    depths = 1.0 + 8.0 * torch.rand(SAMPLES, 1, 288, 288, generator=generator)
    names = tuple(str(number) for number in range(SAMPLES))
    return TrainingData(Samples(names, images, depths.half()), None, [], [SAMPLES])


if __name__ == "__main__":
    cli.main(command=main)
