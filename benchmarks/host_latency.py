"""How fast artefacts for the host are beside their peers: ratios of medians, interleaved.

Of each model in fp32, as a file that stores fp16, and in int8, as many of them as are asked for.
Untuned and, where tuned choices are known for the processor, tuned. The geometric means are over
the ten networks of docs/cost.md.

python benchmarks/host_latency.py [--models NAME ...] [--precision fp32|fp16|int8 ...]
                                  [--threads N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import click
from networks.find import find
from networks.stored import STORED, stored_in

from bench import cli
from bench.cli.output import table
from bench.compile_service import compile_for, tuned_files
from bench.measure.agreement import seeded_inputs
from bench.measure.comparison import compare, precision_of
from bench.measure.interleaving import ROUNDS
from bench.models import Model
from bench.runtimes.base import Runtime
from bench.runtimes.registry import Prepared, choose, prepare
from bench.runtimes.subprocess_runtime import SubprocessRuntime
from compile import targets
from compile.host_processor import processor_flags
from compile.records.tuned_choices import choices_for
from depthbench.errors import CheckFailed, InputError, RuntimeLost, ToolMissing

PEERS = ("onnxruntime", "openvino", "ncnn", "litert")
ALONE = "tvm on one thread"
UNTUNED = "tvm untuned"
FORMS = ("tuned", "untuned")
TEN = (
    *("eigen", "inv_res", "mobiledepth", "mobilenet_v3_cat", "mobilenet_v2_cat"),
    *("regnety_004_add", "efficientnet_l2_cat", "fastdepth_pruned", "mobilenet_v1_add", "dorn"),
)
PUBLIC = ("depth_anything_v2_small_252", "depth_anything_v2_small_364", "midas_small", "monodepth2")

Result = dict[str, Any]


@click.command()
@click.option("--models", multiple=True, default=TEN + PUBLIC, show_default=True)
@click.option("--peers", multiple=True, help="Runtimes to compare with.  [default: all that can]")
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(STORED),
    multiple=True,
    default=("fp32",),
    show_default=True,
    help="In what the model's file stores its numbers; may be given again.",
)
@click.option("--rounds", type=click.IntRange(min=3), default=ROUNDS, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...],
    peers: tuple[str, ...],
    precisions: tuple[str, ...],
    rounds: int,
    threads: int,
    as_json: bool,
) -> int:
    """Compare on as many threads each; all run the same file, in every precision.

    On one thread CPU-time medians decide, since machines are shared; on several the clock's do,
    and the machine must be idle. Models are networks, ONNX files, or public architectures of
    benchmarks/networks. A peer that is not installed, or cannot take a model, is absent. The exit
    code is 1 where a model could not be compared in one of the precisions.
    """
    peers = tuple(choose(",".join(peers or PEERS)))
    precisions = tuple(dict.fromkeys(precisions))
    results: dict[str, dict[str, Result]] = {}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        found = {name: find(name, Path(folder)) for name in models}
        for name, model in found.items():
            for precision in precisions:
                try:
                    result = measure(model, peers, precision, rounds, threads, Path(folder))
                except (CheckFailed, InputError, RuntimeLost, ToolMissing) as error:
                    result, failed = {"failed": str(error)}, True
                results.setdefault(name, {})[precision] = result
                click.echo(f"{name}, {precision}: {in_words(result)}", err=True)
    means = {p: geometric_means([r[p] for n, r in results.items() if n in TEN]) for p in precisions}
    document = {
        "processor": describe_processor(),
        "threads": threads,
        "rounds": rounds,
        "models": results,
        "geomean": means,
    }
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return int(failed)
    click.echo(f"processor: {document['processor']}\n")
    for form in FORMS:
        if any(form in result for row in results.values() for result in row.values()):
            click.echo(f"{form}, of the fastest peer's time on the same file; depthbench's ms")
            click.echo(table([cells(name, row, form) for name, row in results.items()]))
            told = ", ".join(f"{p} {means[p][form]:.3f}" for p in precisions if form in means[p])
            click.echo(f"\ngeometric mean of the ten: {told}\n" if told else "")
    return int(failed)


def geometric_means(results: list[Result]) -> dict[str, float]:
    """Of the ratios of each form that was measured."""
    return {
        form: geometric_mean(ratios)
        for form in FORMS
        if (ratios := [r[form]["ratio"] for r in results if form in r])
    }


def in_words(result: Result) -> str:
    """One model in one precision, in a line."""
    if "failed" in result:
        return f"not compared: {result['failed']}"
    forms = [f"{form} {ratio_of(result, form)}" for form in FORMS if form in result]
    speedup = result.get("speedup_over_one_thread")
    return (
        f"{', '.join(forms)} of {result['best']}"
        + (f", {speedup:.2f} times one thread" if speedup else "")
        + (f"; absent: {', '.join(result['absent'])}" if result["absent"] else "")
    )


def ratio_of(result: Result, form: str) -> str:
    """A ratio with its confidence interval."""
    return "{ratio:.3f} ({low:.3f} to {high:.3f})".format(**result[form])


def cells(name: str, row: dict[str, Result], form: str) -> dict[str, str | None]:
    """A row of the table: of each precision the ratio, the peer that it is to, our ms."""
    found: dict[str, str | None] = {"network": name}
    for precision, result in row.items():
        known = form in result
        found[precision] = ratio_of(result, form) if known else None
        found[f"{precision} of"] = result["best"] if known else None
        found[f"{precision} [ms]"] = f"{result['tvm_ms'][form]:.2f}" if known else None
    return found


def describe_processor() -> str:
    """Its name, what Linux numbers it by, and the vectors that code is made for."""
    machine = targets.get("host")
    name = machine.processor.rpartition(",")[0]
    bits = 32 * machine.vector_lanes
    avx512 = "AVX-512" if "avx512f" in processor_flags() else "no AVX-512"
    return f"{name} ({machine.tuned_as.removeprefix('host-')}, {bits}-bit vectors, {avx512})"


def measure(
    source: Model, peers: tuple[str, ...], precision: str, rounds: int, threads: int, out: Path
) -> Result:
    """Medians of one model on TVM and its peers, and the ratios to the fastest peer.

    `tuned` is among them where choices are known for this processor. With several threads also
    TVM's gain over one, which runs in the same rounds.
    """
    model = stored_in(source, precision, out)
    _, tolerance = precision_of(model)
    absent: dict[str, str] = {}
    with ExitStack() as stack:

        def open_runtime(runtime: str, threads: int) -> Runtime:
            prepared = prepare(runtime, model, out, threads=threads)
            return stack.enter_context(SubprocessRuntime(prepared))

        def open_untuned() -> Runtime:
            folder = compile_for(
                str(model.path),
                "host",
                out,
                output=out / f"{model.name}-untuned",
                threads=threads,
                untuned=True,
            ).folder
            return stack.enter_context(SubprocessRuntime(Prepared("tvm", folder, threads)))

        runtimes = {"tvm": open_runtime("tvm", threads)}
        forms = {"untuned": "tvm"}
        if knows_choices(threads):
            forms = {"tuned": "tvm", "untuned": UNTUNED}
            runtimes[UNTUNED] = open_untuned()
        for peer in peers:
            try:
                runtimes[peer] = open_runtime(peer, threads)
            except (InputError, ToolMissing, RuntimeLost) as error:
                absent[peer] = str(error)
        peers = tuple(peer for peer in peers if peer not in absent)
        if not peers:
            raise ToolMissing(f"no peer to compare with: {'; '.join(absent.values())}")
        if threads > 1:
            runtimes[ALONE] = open_runtime("tvm", 1)
        found = compare(
            runtimes,
            seeded_inputs(model.fixed_inputs),
            reference=peers[0],
            rounds=rounds,
            threads=threads,
            tolerance=tolerance,
        )
    absent |= found["lost"]
    peers = tuple(peer for peer in peers if peer not in absent)
    if not peers or absent.keys() & set(forms.values()):
        raise RuntimeLost(f"nothing left to compare: {'; '.join(absent.values())}")
    medians = {runtime: r[found["decided_by"]]["p50"] for runtime, r in found["runtimes"].items()}
    best = min(peers, key=lambda peer: medians[peer])
    against = {form: found["runtimes"][name]["against"][best] for form, name in forms.items()}
    alone = found["runtimes"].get(ALONE)
    gain = {"speedup_over_one_thread": alone["against"]["tvm"]["ratio"]} if alone else {}
    return {
        "tvm_ms": {form: medians[name] for form, name in forms.items()},
        "peers_ms": {peer: medians[peer] for peer in peers},
        "absent": absent,
        "best": best,
        **{
            form: {k: ratio[k] for k in ("ratio", "low", "high")} for form, ratio in against.items()
        },
        **gain,
        "differences": {
            runtime: r["agreement"]["max_relative_difference"]
            for runtime, r in found["runtimes"].items()
        },
        "tolerance": tolerance,
        "weights": model.metadata.get("weights", ""),
    }


def knows_choices(threads: int) -> bool:
    """Whether tuned choices are known for this processor, shipped or the user's own."""
    machine = targets.get("host", threads)
    return bool(choices_for(machine, tuned_files(machine)))


if __name__ == "__main__":
    cli.main(command=main)
