"""`depthbench compare`: one model on several runtimes, interleaved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from bench.cli.card_options import card_options
from bench.cli.options import (
    cores_option,
    json_option,
    model_argument,
    out_option,
    threads_option,
)
from bench.cli.output import emit, note, table
from bench.cli.parameter_types import DEVICE
from bench.cli.progress import status
from bench.cli.unused_options import refuse_unused
from bench.model_card import Asked
from bench.report.wording import core, estimated

OF_TIMES = ("--rounds", "--cores", "--answer-limit")


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
@click.option(
    "--device",
    type=DEVICE,
    help="Compare there; on the emulated phone, instructions are counted.  [default: this machine]",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=3),
    help="Samples of each, where they are timed.  [default: 60]",
)
@threads_option
@cores_option
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
    device: str | None,
    rounds: int | None,
    threads: int,
    cores: str | None,
    limit: float,
    asked: Asked,
    out: Path,
    as_json: bool,
) -> int:
    """Time MODEL on several runtimes of this machine or of a device, interleaved.

    MODEL is a network or an .onnx file; each runtime has as many threads.

    The outputs are checked against ONNX Runtime's first. Every runtime has a process of its own;
    all take turns, in random order; what is compared are the medians of CPU time, of the clock's
    time with several threads. A runtime that is not installed is listed as absent (pip install
    'depthbench[peers]'), one that crashes or hangs as lost.

    With --device tvm, onnxruntime, ncnn, litert and mnn run there, from their own wheels for
    arm64, on the same cores; those that have fp16 in that too, as a row of its own. On the emulated
    phone their instructions are counted.
    """
    from bench.measure.interleaving import ROUNDS

    with status() as progress:
        if device is None:
            refuse_unused(["--cores"], "they are those of a device", advice="give --device too")
            from bench.measure.runtime_comparison import compare_runtimes

            document = compare_runtimes(
                model,
                out,
                asked=asked,
                runtimes=runtimes,
                rounds=rounds or ROUNDS,
                threads=threads,
                limit_s=limit,
                progress=progress,
            )
        else:
            from android_rpc.devices.factory import find_kind
            from android_rpc.telemetry.topology import parse_core_list
            from bench.peers.device_comparison import compare_on_device

            if find_kind(device).emulated:
                refuse_unused(OF_TIMES, "on the emulated phone one inference is counted")
            document = compare_on_device(
                model,
                out,
                device,
                asked=asked,
                runtimes=runtimes,
                rounds=rounds,
                threads=threads,
                cores=parse_core_list(cores) if cores else None,
                limit_s=limit,
                progress=progress,
                announce=note,
            )
    emit(document, as_json, lambda: _render(document))
    return 1 if document["lost"] and runtimes != "all" else 0


def _render(document: dict[str, Any]) -> str:
    from bench.cost.cost_comparison import SCHEMA

    counted = document["schema"] == SCHEMA
    reference = document["reference"]
    constant = any(not row["agreement"]["reference_std"] for row in document["runtimes"].values())
    nothing = f"the output of {reference} is constant, so that agreeing means nothing"
    return "\n".join(
        [
            *(_counted_lines(document) if counted else _timed_lines(document)),
            *(f"left out, {name}: {why}" for name, why in document.get("left_out", {}).items()),
            *(f"absent, {name}: {reason}" for name, reason in document["absent"].items()),
            *(f"lost, {reason}" for reason in document["lost"].values()),
            *([nothing] if constant else []),
        ]
    )


def _timed_lines(document: dict[str, Any]) -> list[str]:
    head = (
        f"{document['model']}, {document['precision']}, threads: {document['threads']}, "
        f"rounds: {document['rounds']}"
    )
    if "device" in document:
        head += f", on {document['device']['name']}: {document['label']}"
    invalid = [
        f"not valid, {name}: {'; '.join(found['reasons'])}"
        for name, found in document["runtimes"].items()
        if found.get("reasons")
    ]
    return [head, table([_timed_row(document, name) for name in document["runtimes"]]), *invalid]


def _timed_row(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document["runtimes"][name]
    there = "device" in document
    return {
        "runtime": name,
        **({key: found[key] for key in ("version", "precision")} if there else {}),
        "CPU ms, p50": found["cpu_ms"]["p50"],
        "wall ms, p50": found["wall_ms"]["p50"],
        "tvm / it": _ratio(document, name),
        "difference": found["agreement"]["max_relative_difference"],
        **({"valid": found["valid"]} if there else {}),
    }


def _counted_lines(document: dict[str, Any]) -> list[str]:
    rows: list[Mapping[str, Any]] = [
        {
            "runtime": name,
            "version": found["version"],
            "precision": found["precision"],
            "instructions, M": f"{found['cost']['instructions'] / 1e6:.1f}",
            "est. cycles, M": f"{found['cost']['est_cycles'] / 1e6:.1f}",
            "est. ms": estimated(found),
            "tvm / it": _ratio_of_cycles(document, name),
            "difference": found["agreement"]["max_relative_difference"],
        }
        for name, found in document["runtimes"].items()
    ]
    head = (
        f"{document['model']}, {document['precision']}, one inference, threads: "
        f"{document['threads']}, on {document['device']['name']}: {document['label']}"
    )
    right = ("instructions, M", "est. cycles, M", "est. ms", "tvm / it")
    times = [row for row in document["runtimes"].values() if row["estimate"]]
    sources = {
        f"est. ms: emulated, for {core(row)}; interval: {row['estimate']['error_source']}": None
        for row in times
    }
    return [head, table(rows, right=right), *sources, document["conditions"]["note"]]


def _ratio_of_cycles(document: dict[str, Any], peer: str) -> str:
    ratio = _ours_to(document, peer)
    return f"{ratio[document['decided_by']]:.3f}" if ratio else "-"


def _ratio(document: dict[str, Any], peer: str) -> str:
    ratio = _ours_to(document, peer)
    return f"{ratio['ratio']:.3f} ({ratio['low']:.3f} to {ratio['high']:.3f})" if ratio else "-"


def _ours_to(document: dict[str, Any], peer: str) -> Mapping[str, float] | None:
    """Our row against a peer's in the same precision."""
    ours = "tvm-fp16" if peer.endswith("-fp16") else "tvm"
    return document["runtimes"].get(ours, {}).get("against", {}).get(peer)
