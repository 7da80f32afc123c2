"""`depthbench tune`: the choices of a model's schedules, measured where it will run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import (
    input_shape_option,
    json_option,
    model_argument,
    out_option,
    precision_option,
    target_option,
    threads_option,
)
from bench.cli.output import emit, key_values
from bench.cli.parameter_types import DEVICE, FILE, Shapes
from bench.cli.progress import status
from depthbench.plural import counted


@click.command(name="tune")
@model_argument
@target_option("host")
@click.option(
    "--device",
    type=DEVICE,
    help="Where to measure for arm64-a76: emulated (estimated cycles), adb, adb:SERIAL, adb:all, "
    "tracker:HOST:PORT/KEY for all devices with that key.  [default: emulated]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    help="How long to measure, runs of before with the same options included.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@threads_option
@precision_option
@input_shape_option
@click.option(
    "-o",
    "--tuned",
    type=FILE,
    help="The .json file that the choices are added to.  [default: where compile looks for them]",
)
@out_option
@json_option
def command(
    model: str,
    target: str,
    device: str | None,
    minutes: float,
    seed: int,
    threads: int,
    precision: str | None,
    shapes: Shapes,
    tuned: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure the choices of MODEL's schedules, and keep what is faster.

    Whole networks are built in which every kernel tries something else, and each kernel is
    compared with that of the untuned network as both run. Interrupt it when you like: the same
    command goes on. At the end the whole network is compared, tuned and untuned; the choices are
    kept only if it gains, and `depthbench compile` takes them from then on.
    """
    from bench.models import fix_shapes
    from bench.tuning.tune import tune

    with status() as progress:
        document = tune(
            fix_shapes(model, dict(shapes), out),
            target,
            out,
            device=device,
            minutes=minutes,
            seed=seed,
            threads=threads,
            precision=precision,
            tuned=tuned,
            progress=progress,
        )
    emit(document, as_json, lambda: key_values(_shown(document)))


def _shown(document: dict[str, Any]) -> dict[str, Any]:
    whole = document.get("whole")
    shown = {
        "network": f"{document['model']}, {document['target']}, {document['precision']}, "
        f"threads: {document['threads']}",
        "objective": document["objective"],
        "measured": f"{counted(document['measured'], 'trial')} of "
        f"{counted(document['workloads'], 'workload')} in {counted(document['rounds'], 'round')} "
        f"({document['rounds_of_before']} of them before), "
        f"{document['minutes']:.1f} min",
        "failed": document["failed"],
        "tuned": counted(document["tuned_workloads"], "workload"),
    }
    if whole:
        shown["gain"] = (
            f"{whole['gain']:+.2%} of the whole network ({1 - whole['high']:+.2%} to "
            f"{1 - whole['low']:+.2%}): {whole['tuned']:.6g} instead of {whole['default']:.6g} "
            f"{whole['unit']}"
        )
    shown["choices"] = document["tuned"] or "nothing gained that holds; none written"
    return shown
