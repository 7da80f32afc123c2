"""`depthbench sweep`: many models in many settings, each step once, then a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import (
    DeviceCommand,
    data_option,
    json_option,
    out_option,
    protocol_option,
)
from bench.cli.output import emit, warn
from bench.cli.parameter_types import DEVICE, FILE, FOLDER, MODEL, PRECISION, RUNTIME
from bench.cli.sweep_display import display
from bench.cli.sweep_text import carried_out, planned
from bench.cli.unused_options import refuse_unused
from depthbench.errors import InputError

if TYPE_CHECKING:
    from bench.sweep.executors.executor import Executor


class SweepCommand(DeviceCommand):
    """One whose cells need no device."""

    by_default = "estimated: milliseconds of a Cortex-A76 that is not there, as by `cost`"


class Limit(click.ParamType):
    """FIGURE=NUMBER as a name and a number; the plan's check knows the names."""

    name = "limit"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """The two; fails for anything else."""
        name, _, number = str(value).partition("=")
        try:
            return name, float(number)
        except ValueError:
            self.fail(f"'{value}': write FIGURE=NUMBER, as delta1=0.75", param, ctx)


@click.command(name="sweep", cls=SweepCommand)
@click.argument("plan", required=False, type=FILE)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=MODEL,
    help="A network, or an .onnx or .safetensors file.",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="own|EDGE|HEIGHTxWIDTH",
    help="Of the image.  [default: own]",
)
@click.option("--precision", "precisions", multiple=True, type=PRECISION, help="[default: fp32]")
@click.option("--threads", multiple=True, type=click.IntRange(min=1), help="[default: 1]")
@click.option("--runtime", "runtimes", multiple=True, type=RUNTIME, help="[default: tvm]")
@click.option(
    "--device",
    "devices",
    multiple=True,
    type=DEVICE,
    help="estimated, host (this machine) or see Devices below.  [default: estimated]",
)
@data_option
@protocol_option
@click.option("--limit", type=click.IntRange(min=1), help="Score only the first images.")
@click.option("--no-score", is_flag=True, help="Score no accuracy.")
@click.option("--best", help="The figure to be the best in: ms, mb, delta1, ...  [default: ms]")
@click.option(
    "--at-least", multiple=True, type=Limit(), metavar="FIGURE=NUMBER", help="As delta1=0.75."
)
@click.option("--at-most", multiple=True, type=Limit(), metavar="FIGURE=NUMBER", help="As ms=40.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that carry out steps side by side.  [default: as many as there are cores]",
)
@click.option(
    "--ray",
    metavar="HOST:PORT",
    help="Carry out steps on the Ray cluster with this head node instead.",
)
@click.option("--dry-run", is_flag=True, help="Print the cells and what of them is done; end.")
@click.option(
    "--output",
    type=FOLDER,
    help="Folder of the report, its records and a log.  [default: OUT/sweep-PLAN]",
)
@out_option
@json_option
def command(
    plan: Path | None,
    workers: int | None,
    ray: str | None,
    dry_run: bool,
    output: Path | None,
    out: Path,
    as_json: bool,
    **given: Any,
) -> int:
    """Carry out PLAN: models x sizes x precisions x threads x runtimes x devices.

    PLAN is a TOML file; options are in place of its keys, and do without it. Every cell is
    exported, compiled, scored, and counted or timed. A step that cells share is done once, and one
    that is done is not done again: a sweep that was interrupted goes on. A cell that fails is
    marked, and the others go on. Then all is in a report. --at-least, --at-most and --best ask for
    a cell.
    """
    from bench.sweep.executors.local import LocalExecutor, cores
    from bench.sweep.plan.checks import check_plan
    from bench.sweep.plan.plan import read_plan
    from bench.sweep.session import carry_out, open_session

    if ray is not None and workers:
        raise InputError("--workers are processes of this machine", advice="leave it out, or --ray")
    if given["no_score"]:
        refuse_unused(["--data", "--protocol", "--limit"], "--no-score scores no accuracy")
    values, options = _values(given)
    read, faults = read_plan(plan, values, options if plan else {**options, "models": "--model"})
    checked = check_plan(read, plan.parent if plan else Path(), faults) if read else None
    if checked is None or faults.found:
        for fault in faults.found:
            click.echo(f"depthbench: {fault}", err=True)
        return 2
    into = output or out / f"sweep-{plan.stem if plan else 'of-options'}"
    session = open_session(checked, out, into)
    if dry_run:
        document = session.document(session.sweep())
        statuses = list(session.sweep().state.status.values())
        emit(document, as_json, lambda: planned(document, statuses))
        return 0

    def make_executor(scratch: Path) -> AbstractContextManager[Executor]:
        if ray is not None:
            from bench.sweep.executors.ray_cluster import RayCluster

            return RayCluster(ray, scratch)
        return LocalExecutor(workers or cores(), scratch)

    with display() as (show, progress):
        sweep, files = carry_out(session, make_executor, show, progress)
    for message in session.warnings(sweep):
        warn(message)
    document = {**session.document(sweep), "files": [str(file) for file in files]}
    emit(document, as_json, lambda: carried_out(document))
    return 1 if any(row["state"] != "done" for row in document["cells"]) else 0


def _values(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What options say, as a plan says it, and which option said it."""
    values: dict[str, Any] = {}
    options: dict[str, str] = {}
    for axis in ("models", "sizes", "precisions", "threads", "runtimes", "devices"):
        if given[axis]:
            values[axis] = [_size(one) if axis == "sizes" else one for one in given[axis]]
            options[axis] = f"--{axis.removesuffix('s') if axis != 'threads' else axis}"
    inner = {
        "score.data": ("--data", given["data"]),
        "score.protocol": ("--protocol", given["protocol"]),
        "score.images": ("--limit", given["limit"]),
        "answer.best": ("--best", given["best"]),
        "answer.at_least": ("--at-least", _limits("--at-least", given["at_least"])),
        "answer.at_most": ("--at-most", _limits("--at-most", given["at_most"])),
    }
    for place, (option, value) in inner.items():
        if value:
            table_name, key = place.split(".")
            values.setdefault(table_name, {})[key] = value
            options[place] = option
    if given["no_score"]:
        values["score"] = False
    return values, options


def _limits(option: str, given: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, limit in given:
        if name in found:
            raise InputError(f"{option}: {name} has two limits", advice="give one")
        found[name] = limit
    return found


def _size(text: str) -> Any:
    edges = [int(edge) if edge.isdecimal() else edge for edge in text.split("x")]
    return edges[0] if len(edges) == 1 else edges
