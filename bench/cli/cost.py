"""`depthbench cost`: what an inference costs on a Cortex-A76, counted and estimated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bench.cli.card_options import card_options
from bench.cli.compare import Runtimes
from bench.cli.cost_text import describe_cost
from bench.cli.options import (
    FLAGSHIP,
    RECORDS,
    json_option,
    out_option,
    precision_option,
    record_option,
)
from bench.cli.output import emit
from bench.cli.parameter_types import CLOCK, CORE, FILE, MODEL
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from depthbench.errors import DepthbenchError, InputError


@click.command(name="cost")
@click.argument("models", nargs=-1, type=MODEL, metavar="[MODEL]...")
@precision_option
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="One, which is what is estimated.",
)
@click.option(
    "--peers",
    type=Runtimes(),
    default="",
    help="Count these too: onnxruntime, ncnn, litert, mnn, with commas; or all.",
)
@click.option(
    "--core",
    "core_name",
    type=CORE,
    default="pi5",
    show_default=True,
    help="Whose Cortex-A76: a Raspberry Pi 5's (pi5), a Snapdragon 855's (sd855), a Kirin 980's "
    "(kirin980).",
)
@click.option(
    "--clock",
    type=CLOCK,
    metavar="2.4GHz",
    help="The core's clock.  [default: the highest of that core]",
)
@click.option("--model", type=FILE, help="The ONNX file that the artefact MODEL was compiled from.")
@click.option(
    "--kernels",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many of the costliest kernels to print.",
)
@card_options(meaning=False)
@record_option
@out_option
@json_option
def command(
    models: tuple[str, ...],
    precision: str | None,
    threads: int,
    peers: str,
    core_name: str,
    clock: float | None,
    model: Path | None,
    kernels: int,
    asked: Asked,
    records: Path | None,
    out: Path,
    as_json: bool,
) -> int:
    """Estimate what MODEL costs on a Cortex-A76, without one.

    Each MODEL is a network, an .onnx file, or an artefact folder compiled for arm64-a76; by
    default the flagship.

    One inference runs under emulation, on one thread: its outputs are checked, its instructions
    counted, its caches simulated, and its time estimated, with an interval, kernel by kernel. An
    estimate is no latency. The record is kept, so that `depthbench report` finds it.
    """
    from bench.cost.memory.core import CORES
    from bench.cost.model_cost import choose_peers, measure_cost
    from bench.models import names_folder
    from bench.records.record import append_record

    if threads != 1:
        raise InputError(
            f"one thread is estimated, not {threads}",
            advice=f"leave --threads out, or measure on a device: rpc-measure --threads {threads}",
        )
    if model and len(models) > 1:
        raise InputError(
            "--model names the source of one artefact", advice="put the others beside theirs"
        )
    if not any(map(names_folder, models)):
        refuse_unused(["--model"], "no MODEL is a compiled model")
    choose_peers(peers)
    core = CORES[core_name]
    if clock is not None:
        core = replace(core, clock_ghz=clock)
    done: list[dict[str, Any]] = []
    failed: dict[str, DepthbenchError] = {}
    wanted = tuple(dict.fromkeys(models)) or (FLAGSHIP,)
    with status() as progress:
        for what in wanted:
            try:
                record = measure_cost(
                    what,
                    out,
                    precision=precision,
                    model=model,
                    peers=peers,
                    core=core,
                    asked=asked,
                    progress=progress,
                )
            except DepthbenchError as error:
                if len(wanted) == 1:
                    raise
                failed[what] = error
                continue
            append_record(records or out / RECORDS, record)
            done.append(record)
    alone = len(wanted) == 1
    told = [{"model": what, "why": str(error)} for what, error in failed.items()]
    document = done[0] if alone else {"records": done, "failed": told}
    emit(document, as_json, lambda: "\n\n".join(describe_cost(one, kernels) for one in done))
    for line in told:
        where = "" if line["why"].startswith(f"{line['model']}:") else f"{line['model']}: "
        click.echo(f"depthbench: {where}{line['why']}", err=True)
    lost = peers != "all" and any(record["lost"] for record in done)
    return max((one.exit_code for one in failed.values()), default=int(lost))
