"""`depthbench prune`: a network of fewer cycles, by taking channels away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import OUT, json_option
from bench.cli.output import emit, note
from bench.cli.parameter_types import DATA, FILE, FOLDER, MODEL, PRECISION
from bench.cli.progress import status

if TYPE_CHECKING:
    from depthnet.training.progress import Moment


@click.command(name="prune")
@click.argument("model", type=MODEL)
@click.option(
    "--budget",
    required=True,
    metavar="CYCLES",
    help="Estimated cycles of one inference on a Cortex-A76, as 58.9M, or a share of the network's "
    "own, as 70%.",
)
@click.option(
    "--precision",
    type=PRECISION,
    default="fp32",
    show_default=True,
    help="In which cycles are counted; kept widths fill its vectors.",
)
@click.option(
    "--data",
    type=DATA,
    help="Training pairs: nyu, rooms or a path.  [default: nyu where it is present, else rooms]",
)
@click.option(
    "--held-out",
    type=float,
    default=0.1,
    show_default=True,
    help="Share of the pairs that steps are judged by, in whole scenes.",
)
@click.option(
    "--neighbours",
    is_flag=True,
    help="Hold out blocks of neighbouring pairs, whatever scene they are of.",
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    type=FILE,
    help="Weights file of a network to learn depth from; repeat for the mean of their log depth.  "
    "[default: MODEL as it is]",
)
@click.option(
    "--step",
    type=click.FloatRange(0.001, 0.5),
    default=0.03,
    show_default=True,
    help="Share of MODEL's cycles that each step saves.",
)
@click.option(
    "--finalists",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How many proposals of a step are trained briefly, to choose from.",
)
@click.option(
    "--brief-pairs",
    type=click.IntRange(min=1),
    default=320,
    show_default=True,
    help="How many pairs such a training sees.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Of the training at the end.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads.  [default: all cores]")
@click.option(
    "--out",
    type=FOLDER,
    help=f"Folder of the search; one that was interrupted goes on.  [default: {OUT}/prune/MODEL-"
    "BUDGET]",
)
@click.option(
    "--records", type=FILE, help="The .jsonl file of records.  [default: OUT/records.jsonl]"
)
@json_option
def command(
    model: str,
    budget: str,
    precision: str,
    data: str | None,
    held_out: float,
    neighbours: bool,
    teachers: tuple[Path, ...],
    step: float,
    finalists: int,
    brief_pairs: int,
    epochs: int,
    seed: int,
    threads: int | None,
    out: Path | None,
    records: Path | None,
    as_json: bool,
) -> None:
    """Take channels away from MODEL until its estimated cycles are within a budget.

    MODEL is a network that ships trained, or a weights file. Each step takes away, of one group of
    channels, what costs the least accuracy on pairs held out; a longer training with the teacher
    follows. The result is a weights file, an ONNX file and their records. Ctrl-C stops between two
    steps of training; the same command goes on.
    """
    import psutil
    import torch

    from bench.accuracy.evaluate import default_data
    from bench.cli.prune_text import describe_pruning
    from bench.pruning.budget import read_budget
    from bench.pruning.prune import prune
    from bench.pruning.pruning_request import Request
    from bench.pruning.search import Pace

    torch.set_num_threads(threads or psutil.cpu_count(logical=False) or 1)
    request = Request(
        what=model,
        budget=read_budget(budget),
        precision=precision,
        data=data or default_data(),
        held_out=held_out,
        neighbours=neighbours,
        teachers=teachers,
        pace=Pace(step, finalists, brief_pairs),
        epochs=epochs,
        seed=seed,
    )
    told = str(request.budget).removesuffix("%")
    folder = out or OUT / "prune" / f"{Path(model).stem}-{told}"
    with status() as say:
        record = prune(
            request, folder, records, status=say, progress=lambda moment: say(_words(moment))
        )
    if record["held_out_unseen"] is False:
        note(
            "by its record, the network was trained on some of the pairs held out here, and its "
            "own score on them flatters"
        )
    emit(record, as_json, lambda: describe_pruning(record))


def _words(moment: Moment) -> str:
    left = timedelta(seconds=round(moment.seconds_left))
    return (
        f"training: epoch {moment.epoch} of {moment.epochs}, loss {moment.loss:.3g}, "
        f"{moment.images_per_s:.1f} images/s, {left} left"
    )
