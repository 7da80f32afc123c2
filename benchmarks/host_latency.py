"""How fast artefacts for the host are beside their peers: ratios of medians, interleaved.

Untuned and, where tuned choices are known for the processor, tuned. The geometric mean is over the
ten networks of docs/cost.md.

python benchmarks/host_latency.py [--models NAME ...] [--precision fp32|int8] [--threads N] [--json]
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

from bench import cli
from bench.compile_service import compile_for, in_precision, tuned_files
from bench.measure.agreement import seeded_inputs
from bench.measure.comparison import compare, precision_of
from bench.measure.interleaving import ROUNDS
from bench.runtimes.base import Runtime
from bench.runtimes.registry import Prepared, choose, prepare
from bench.runtimes.subprocess_runtime import SubprocessRuntime
from compile import targets
from compile.host_processor import processor_flags
from compile.records.tuned_choices import choices_for
from depthbench.errors import InputError, RuntimeLost, ToolMissing

PEERS = {
    "fp32": ("onnxruntime", "openvino", "ncnn", "litert"),
    "int8": ("onnxruntime", "openvino"),
}
ALONE = "tvm on one thread"
UNTUNED = "tvm untuned"
TEN = (
    *("eigen", "inv_res", "mobiledepth", "mobilenet_v3_cat", "mobilenet_v2_cat"),
    *("regnety_004_add", "efficientnet_l2_cat", "fastdepth_pruned", "mobilenet_v1_add", "dorn"),
)
PUBLIC = ("depth_anything_v2_small_252", "depth_anything_v2_small_364", "midas_small", "monodepth2")


@click.command()
@click.option("--models", multiple=True, default=TEN + PUBLIC, show_default=True)
@click.option("--peers", multiple=True, help="Runtimes to compare with.  [default: all that can]")
@click.option("--precision", type=click.Choice(list(PEERS)), default="fp32", show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=ROUNDS, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...],
    peers: tuple[str, ...],
    precision: str,
    rounds: int,
    threads: int,
    as_json: bool,
) -> None:
    """Compare on as many threads each; in int8, all run the same quantised file.

    On one thread CPU-time medians decide, since machines are shared; on several the clock's do,
    and the machine must be idle. Models are networks, ONNX files, or public architectures of
    benchmarks/networks. A peer that is not installed, or cannot take a model, is absent.
    """
    peers = tuple(choose(",".join(peers))) if peers else PEERS[precision]
    with tempfile.TemporaryDirectory() as folder:
        results = {
            name: measure(name, peers, precision, rounds, threads, Path(folder)) for name in models
        }
    means = {
        form: geometric_mean(ratios)
        for form in ("tuned", "untuned")
        if (ratios := [r[form]["ratio"] for n, r in results.items() if n in TEN and form in r])
    }
    document = {
        "processor": describe_processor(),
        "threads": threads,
        "precision": precision,
        "models": results,
        "geomean": means,
    }
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"processor: {document['processor']}")
    for name, result in results.items():
        forms = [
            f"{form} {result[form]['ratio']:.3f} ({result[form]['low']:.3f} to"
            f" {result[form]['high']:.3f})"
            for form in ("tuned", "untuned")
            if form in result
        ]
        speedup = result.get("speedup_over_one_thread")
        click.echo(
            f"{name}: {', '.join(forms)} of {result['best']}"
            + (f", {speedup:.2f} times one thread" if speedup else "")
            + (f"; absent: {', '.join(result['absent'])}" if result["absent"] else "")
        )
    for form, mean in means.items():
        click.echo(f"geometric mean, {form}: {mean:.3f}")


def describe_processor() -> str:
    """Its name, what Linux numbers it by, and the vectors that code is made for."""
    machine = targets.get("host")
    name = machine.processor.rpartition(",")[0]
    bits = 32 * machine.vector_lanes
    avx512 = "AVX-512" if "avx512f" in processor_flags() else "no AVX-512"
    return f"{name} ({machine.tuned_as.removeprefix('host-')}, {bits}-bit vectors, {avx512})"


def measure(
    name: str, peers: tuple[str, ...], precision: str, rounds: int, threads: int, out: Path
) -> dict[str, Any]:
    """Medians of one model on TVM and its peers, and the ratios to the fastest peer.

    `tuned` is among them where choices are known for this processor. With several threads also
    TVM's gain over one, which runs in the same rounds.
    """
    model = in_precision(find(name, out), precision, out)
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
