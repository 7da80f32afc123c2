"""`depthbench train`: a network's weights from pairs of images and depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import OUT, json_option
from bench.cli.output import emit, key_values
from bench.cli.training_display import display
from bench.cli.unused_options import refuse_all_but, refuse_unused

FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

OF_PLANS = ("--plan", "--rehearse", "--threads", "--device", "--out", "--json")


@click.command(name="train")
@click.argument("name", default="mobiledepth")
@click.option(
    "--plan",
    "plans",
    multiple=True,
    type=FILE,
    help="Stages of a network in TOML, instead of NAME and the other options of a run; repeat for "
    "networks that learn side by side, also from each other.",
)
@click.option(
    "--rehearse",
    is_flag=True,
    help="Carry out the plans with a few pairs of each source and all unlabelled pictures, small: "
    "whether all files are there and fit.",
)
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
    "teachers",
    multiple=True,
    type=FILE,
    help="Weights file of a network to learn depth and features from, or a file of ImageNet "
    "weights to learn an encoder's features from; repeat for the mean of their log depth.",
)
@click.option(
    "--unlabelled",
    multiple=True,
    type=FOLDER,
    help="Pictures without depth, of which only the teachers know something; repeat for several.",
)
@click.option(
    "--share",
    "shares",
    multiple=True,
    type=float,
    help="Of a batch, once for each source in order, the unlabelled ones last.  "
    "[default: as many as each has]",
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
    type=FOLDER,
    help=f"Folder of the run; one that was interrupted goes on.  [default: {OUT}/train/NAME, of "
    f"plans {OUT}/train, rehearsed {OUT}/rehearsal]",
)
@json_option
def command(
    name: str,
    plans: tuple[Path, ...],
    rehearse: bool,
    sources: tuple[str, ...],
    recipe: str,
    epochs: int | None,
    batch: int | None,
    learning_rate: float | None,
    settings: tuple[str, ...],
    loss: str | None,
    encoder: Path | None,
    weights: Path | None,
    teachers: tuple[Path, ...],
    unlabelled: tuple[Path, ...],
    shares: tuple[float, ...],
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
    import psutil
    import torch

    torch.set_num_threads(threads or psutil.cpu_count(logical=False) or 1)
    if plans:
        refuse_all_but(OF_PLANS, "a plan says its network and all of its stages")
        root = out or OUT / ("rehearsal" if rehearse else "train")
        _carry_out(plans, root, device, rehearse, as_json)
        return
    refuse_unused(["--rehearse"], "only plans are rehearsed", advice="name one with --plan")
    from depthnet import zoo
    from depthnet.training import recipe as recipes
    from depthnet.training.distributed import join
    from depthnet.training.objectives import losses
    from depthnet.training.run import Lessons, Start, train

    zoo.get(name)
    chosen = recipes.get(
        recipe,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
        loss=loss,
        input_size=(input_size, input_size) if input_size else None,
        shares=shares or None,
        **dict(recipes.parse_setting(setting) for setting in settings),
    )
    losses.get(chosen.loss)
    folder = out or OUT / "train" / name
    with join(device) as world, display(world.leads) as (say, advance):
        record = train(
            name,
            Lessons(sources, unlabelled, teachers, held_out, fill_holes),
            folder,
            chosen,
            start=Start(encoder=encoder, weights=weights),
            seed=seed,
            world=world,
            status=say,
            progress=advance,
        )
    if world.leads:
        document = {"weights": str(folder / f"{name}.safetensors"), **record}
        emit(document, as_json, lambda: key_values(_summary(document)))


def _carry_out(
    files: tuple[Path, ...], root: Path, device: str, rehearse: bool, as_json: bool
) -> None:
    """Train the networks of plans, and print the records of their last stages."""
    from depthnet.training.distributed import join
    from depthnet.training.plan import read_plan
    from depthnet.training.rehearsal import rehearsed
    from depthnet.training.stages import Stages

    plans = [rehearsed(read_plan(file)) if rehearse else read_plan(file) for file in files]
    with join(device) as world, display(world.leads) as (say, advance):
        stages = Stages(plans, root, world=world, status=say, progress=advance)
        records = stages.run()
    if world.leads:
        documents = [
            {"weights": str(stages.weights(plan)), **record}
            for plan, record in zip(plans, records, strict=True)
        ]
        text = "\n\n".join(key_values(_summary(document)) for document in documents)
        emit(documents, as_json, text)


def _summary(document: dict[str, Any]) -> dict[str, Any]:
    """What a person wants to see of a record."""
    from depthnet.weights.origin import of_training

    shown = ("weights", "epochs", "hours", "images_per_s")
    scores = {
        f"{key} (held out)": value
        for key, value in document["validation"].items()
        if isinstance(value, float)
    }
    start = of_training({**document, "before": None}).trained_from.start
    return {"trained from": start} | {key: document[key] for key in shown} | scores
