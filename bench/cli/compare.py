"""`depthbench compare`: one model on several runtimes, interleaved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench.cli.card_options import card_options
from bench.cli.options import (
    json_option,
    model_argument,
    out_option,
    threads_option,
)
from bench.cli.output import emit, table
from bench.cli.progress import status
from bench.model_card import Asked


class Runtimes(click.ParamType):
    """all, or names with commas, of which the shell completes the last."""

    name = "runtimes"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What may come next."""
        from bench.runtimes.registry import declarations

        before, comma, last = incomplete.rpartition(",")
        names: Iterable[str] = declarations() if comma else ("all", *declarations())
        return [CompletionItem(before + comma + name) for name in names if name.startswith(last)]


@click.command(name="compare")
@model_argument
@click.option(
    "--runtimes",
    type=Runtimes(),
    default="all",
    show_default=True,
    help="all, or names with commas, such as onnxruntime,tvm.",
)
@click.option("--rounds", type=click.IntRange(min=3), default=60, show_default=True)
@threads_option
@click.option(
    "--answer-limit",
    "limit",
    type=click.FloatRange(min=0, min_open=True),
    default=120,
    show_default=True,
    help="Seconds that a runtime may take for one inference: then it is killed, and the others "
    "go on.",
)
@card_options(meaning=False)
@out_option
@json_option
def command(
    model: str,
    runtimes: str,
    rounds: int,
    threads: int,
    limit: float,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> int:
    """Time MODEL on several runtimes of this machine, interleaved.

    MODEL is a network or an .onnx file; each runtime has as many threads.

    The outputs are checked against ONNX Runtime's first. Every runtime has a process of its own;
    all take turns, in random order; what is compared are the medians of CPU time, of the clock's
    time with several threads. A runtime that is not installed is listed as absent (pip install
    'depthbench[peers,litert]'), one that crashes or hangs as lost.
    """
    from bench.measure.runtime_comparison import compare_runtimes

    with status() as progress:
        document = compare_runtimes(
            model,
            out,
            asked=asked,
            runtimes=runtimes,
            rounds=rounds,
            threads=threads,
            limit_s=limit,
            progress=progress,
        )
    emit(document, as_json, lambda: _render(document))
    return 1 if document["lost"] and runtimes != "all" else 0


def _render(document: dict[str, Any]) -> str:
    rows: list[Mapping[str, Any]] = [
        {
            "runtime": name,
            "CPU ms, p50": found["cpu_ms"]["p50"],
            "wall ms, p50": found["wall_ms"]["p50"],
            "tvm / it": _ratio(document, name),
            "difference": found["agreement"]["max_relative_difference"],
        }
        for name, found in document["runtimes"].items()
    ]
    absent = [f"absent, {name}: {reason}" for name, reason in document["absent"].items()]
    lost = [f"lost, {reason}" for reason in document["lost"].values()]
    reference = document["runtimes"][document["reference"]]["agreement"]
    nothing = f"the output of {document['reference']} is constant, so that agreeing means nothing"
    constant = [] if reference["reference_std"] else [nothing]
    head = (
        f"{document['model']}, {document['precision']}, threads: {document['threads']}, "
        f"rounds: {document['rounds']}"
    )
    return "\n".join([head, table(rows), *absent, *lost, *constant])


def _ratio(document: dict[str, Any], peer: str) -> str:
    ours = document["runtimes"].get("tvm", {}).get("against", {}).get(peer)
    return f"{ours['ratio']:.3f} ({ours['low']:.3f} to {ours['high']:.3f})" if ours else "-"
