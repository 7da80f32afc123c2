"""How many images a second networks learn from, by device, precision and teachers.

python benchmarks/training_speed.py [--models NAME ...] [--device cpu] [--device cuda]
[--precision float32 --precision bfloat16] [--teacher NAME ...] [--json]
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import click
import torch

from bench import cli
from depthnet import network, zoo
from depthnet.network import EncoderDecoder
from depthnet.training import recipe as recipes
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.samples import Samples
from depthnet.training.distributed import World
from depthnet.training.interrupt import StopRequest
from depthnet.training.loop import Trainer
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.run import device_name

SAMPLES = 128
SECONDS = 5.0
"""Of each repeat of each measurement, after it has warmed up."""


@click.command()
@click.option("--models", multiple=True, default=("mobiledepth",), show_default=True)
@click.option(
    "--device", "devices", multiple=True, default=("cpu",), type=click.Choice(["cpu", "cuda"])
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("auto",),
    type=click.Choice(["float32", "bfloat16", "auto"]),
    help="Of the arithmetic; repeat to measure in turns.",
)
@click.option("--teacher", "teachers", multiple=True, help="A network that teaches; repeatable.")
@click.option("--batch", type=click.IntRange(min=2), default=16, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: Sequence[str],
    devices: Sequence[str],
    precisions: Sequence[str],
    teachers: Sequence[str],
    batch: int,
    threads: int,
    repeats: int,
    as_json: bool,
) -> None:
    """Train on random pictures at the networks' own size, by the recipe `better`."""
    torch.set_num_threads(threads)
    with ExitStack() as stack:
        runs = [
            Run(name, device, precision, teachers, batch, stack)
            for device, name, precision in product(devices, models, precisions)
        ]
        for _, run in product(range(repeats), runs):
            run.measure()
    results = [run.result() | {"threads": threads} for run in runs]
    for result in [] if as_json else results:
        click.echo(
            f"{result['model']} on {result['device']}: {result['images_per_s']:.1f} images/s, "
            f"{result['images_per_cpu_s']:.1f} a second of CPU "
            f"({result['precision']}, batch {batch}, {len(teachers)} teachers, {threads} threads, "
            f"median of {repeats}; warm after {result['warm_up_s']:.1f} s)"
        )
    if as_json:
        click.echo(json.dumps({"machine": platform.machine(), "results": results}, indent=2))


class Run:
    """One network that learns, warmed up; what runs beside the others until `stack` ends."""

    def __init__(
        self,
        name: str,
        device: str,
        precision: str,
        teachers: Sequence[str],
        batch: int,
        stack: ExitStack,
    ) -> None:
        recipe = recipes.get("better", batch=batch, epochs=10**6, precision=precision)
        built, _ = network.build(zoo.get(name), pretrained=False)
        began = time.monotonic()
        self.trainer = Trainer(
            built,
            recipe,
            pictures(),
            Path(stack.enter_context(tempfile.TemporaryDirectory())),
            teachers=list(map(untrained_teacher, teachers)),
            world=World(device=device),
        )
        self.turns = self.trainer.turns(stack.enter_context(StopRequest()))
        # On a GPU the first steps choose kernels and become a graph.
        warm = len(self.trainer.batches) if device == "cuda" else 2
        while self.trainer.number < warm:
            next(self.turns)
        self.warm_up = time.monotonic() - began
        self.by_wall: list[float] = []
        self.by_cpu: list[float] = []

    def measure(self) -> None:
        """Learn for about `SECONDS`."""
        first, began, worked = self.trainer.number, time.monotonic(), time.process_time()
        while time.monotonic() - began < SECONDS or self.trainer.number == first:
            next(self.turns)
        images = (self.trainer.number - first) * self.trainer.batches.batch
        self.by_wall.append(images / (time.monotonic() - began))
        self.by_cpu.append(images / (time.process_time() - worked))

    def result(self) -> dict[str, Any]:
        """The medians; beside other work, images by the CPU's time say more than by the clock."""
        return {
            "model": self.trainer.network.entry.name,
            "device": device_name(self.trainer.world.device),
            "precision": self.trainer.precision,
            "batch": self.trainer.batches.batch,
            "images_per_s": median(self.by_wall),
            "images_per_cpu_s": median(self.by_cpu),
            "warm_up_s": self.warm_up,
        }


def untrained_teacher(name: str) -> Teacher:
    """A teacher as fast as a trained one."""
    built, _ = network.build(zoo.get(name), pretrained=False)
    if not isinstance(built, EncoderDecoder):
        raise click.BadParameter(f"{name} has no encoder to teach with")
    return Teacher(built, name)


def pictures() -> TrainingData:
    """Random pictures with random depth: what is in them costs no time."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (SAMPLES, 3, 288, 288), generator=generator, dtype=torch.uint8)
    depths = 1.0 + 8.0 * torch.rand(SAMPLES, 1, 288, 288, generator=generator)
    names = tuple(str(number) for number in range(SAMPLES))
    return TrainingData(Samples(names, images, depths.half()), None, [], [SAMPLES])


if __name__ == "__main__":
    cli.main(command=main)
