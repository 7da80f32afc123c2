"""`depthbench train`: a network's weights from pairs of images and depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import OUT, json_option
from bench.cli.output import emit, key_values

if TYPE_CHECKING:
    from depthnet.training.progress import Moment

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(name="train")
@click.argument("name", default="mobiledepth")
@click.option(
    "--data",
    "sources",
    multiple=True,
    default=("nyu",),
    show_default=True,
    metavar="SPEC[@COUNT]",
    help="Training pairs: nyu, rooms, rooms:SEED or a path; repeat to mix. The first is validated.",
)
@click.option("--recipe", default="paper", show_default=True, help="paper or better.")
@click.option("--epochs", type=int, help="Instead of the recipe's.")
@click.option("--batch", type=int, help="Instead of the recipe's.")
@click.option("--learning-rate", type=float, help="Instead of the recipe's.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=NUMBER",
    help="Any other number of the recipe, as weight_decay=0.05; repeat for several.",
)
@click.option("--loss", help="Instead of the recipe's: l1, berhu, am, mix, bmix, ...")
@click.option("--encoder", type=FILE, help="File of ImageNet weights to start the encoder from.")
@click.option("--weights", type=FILE, help="Weights file to start the whole network from.")
@click.option(
    "--teacher",
    type=FILE,
    help="Weights file of a network to learn depth and features from, or a file of ImageNet "
    "weights to learn an encoder's features from.",
)
@click.option(
    "--input-size",
    type=click.IntRange(min=32),
    help="Height and width to learn from, a multiple of 32.  [default: the network's own]",
)
@click.option(
    "--held-out",
    type=float,
    default=0.1,
    show_default=True,
    help="Share of the first source to validate on.",
)
@click.option(
    "--fill-holes", is_flag=True, help="Fill missing depth along the image's colours (Levin 2004)."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder of the run; one that was interrupted goes on.  [default: {OUT}/train/NAME]",
)
@json_option
def command(
    name: str,
    sources: tuple[str, ...],
    recipe: str,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    settings: tuple[str, ...],
    loss: str | None,
    encoder: Path | None,
    weights: Path | None,
    teacher: Path | None,
    input_size: int | None,
    held_out: float,
    fill_holes: bool,
    seed: int,
    threads: int | None,
    device: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train network NAME and write its weights, their record and a log.

    Ctrl-C writes a checkpoint; the same command goes on from it, to the same weights. For
    several processes: `torchrun --no-python --nproc-per-node N depthbench train ...`.
    """
    from depthnet import zoo
    from depthnet.training import recipe as recipes
    from depthnet.training.objectives import losses

    zoo.get(name)
    chosen = recipes.get(
        recipe,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        loss=loss,
        input_size=(input_size, input_size) if input_size else None,
        **dict(recipes.parse_setting(setting) for setting in settings),
    )
    losses.get(chosen.loss)
    import psutil
    import torch

    from depthnet.training.distributed import join
    from depthnet.training.run import Start, train

    torch.set_num_threads(threads or psutil.cpu_count(logical=False) or 1)
    folder = out or OUT / "train" / name
    with join(device) as world, _display(world.leads) as (say, advance):
        record = train(
            name,
            sources,
            folder,
            chosen,
            start=Start(encoder=encoder, weights=weights),
            teacher=teacher,
            seed=seed,
            held_out=held_out,
            fill=fill_holes,
            world=world,
            status=say,
            progress=advance,
        )
    if world.leads:
        document = {"weights": str(folder / f"{name}.safetensors"), **record}
        emit(document, as_json, lambda: key_values(_summary(document)))


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    """What a person wants to see of a record."""
    from depthnet.weights.origin import of_training

    shown = ("weights", "epochs", "hours", "images_per_s")
    scores = {
        f"{key} (held out)": value
        for key, value in document["validation"].items()
        if isinstance(value, float)
    }
    start = of_training(document).trained_from.start
    return {"trained from": start} | {key: document[key] for key in shown} | scores


@contextmanager
def _display(shown: bool) -> Iterator[tuple[Callable[[str], None], Callable[[Moment], None]]]:
    """A line of status, then a bar with the loss and the time left; silent off a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    visible = shown and console.is_terminal
    with Progress(*columns, console=console, disable=not visible, transient=True) as progress:
        task = progress.add_task("", total=None, left="")

        def say(line: str) -> None:
            progress.update(task, description=line)

        def advance(moment: Moment) -> None:
            progress.update(
                task,
                description=f"epoch {moment.epoch}/{moment.epochs}, loss {moment.loss:.3g}",
                completed=moment.done,
                total=moment.total,
                left=f"{moment.images_per_s:.1f} images/s, "
                f"{timedelta(seconds=round(moment.seconds_left))} left",
            )

        yield say, advance
