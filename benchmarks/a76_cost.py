"""What one inference costs on an emulated Cortex-A76: instructions counted, cycles estimated.

python benchmarks/a76_cost.py [MODEL | ARTEFACT ...] [--precision P] [--peers PEER ...] [--json]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from bench import cli
from bench.compile_service import compile_for, in_precision, resolve_artefact
from bench.cost.caches import count_misses
from bench.cost.cost_comparison import count_peer, reference_outputs, row_of
from bench.cost.inference_cost import KNOWN_ERROR, measure
from bench.measure.agreement import seeded_inputs
from bench.models import load_model, resolve_model
from bench.peers.peer import OURS, PEERS, Setting
from bench.peers.rows import Rows
from depthbench.errors import InputError
from depthnet.zoo import FLAGSHIP


@click.command()
@click.argument("models", nargs=-1)
@click.option("--precision", help="Of TVM and the peers: by default the model's.")
@click.option("--peers", multiple=True, type=click.Choice((*PEERS, "all")), help="Count as well.")
@click.option("--model", type=click.Path(path_type=Path), help="The ONNX file of the artefacts.")
@click.option("--times", type=click.IntRange(min=1), default=1, help="Count TVM so often.")
@click.option("--caches", is_flag=True, help="Simulate TVM's cache misses too; takes minutes.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True)
@click.option("--kernels", default=25, show_default=True, help="How many kernels to print.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    models: tuple[str, ...],
    precision: str | None,
    peers: tuple[str, ...],
    model: Path | None,
    times: int,
    caches: bool,
    out: Path,
    kernels: int,
    as_json: bool,
) -> None:
    """Count MODELS (networks, ONNX files or artefact folders; by default the flagship)."""
    results = {}
    wanted = tuple(PEERS) if "all" in peers else tuple(dict.fromkeys(peers))
    for what in models or (FLAGSHIP,):
        results[what] = cost(what, precision, out, model, times, wanted, caches)
    if as_json:
        click.echo(json.dumps({"threads": 1, "note": KNOWN_ERROR, "models": results}, indent=2))
        return
    for what, result in results.items():
        click.echo(table(what, result, kernels))


def cost(
    what: str,
    precision: str | None,
    out: Path,
    model: Path | None = None,
    times: int = 1,
    peers: tuple[str, ...] = (),
    caches: bool = False,
) -> dict[str, Any]:
    """The cost of one model in each runtime, each one's outputs compared with ONNX Runtime's.

    A peer that is not to be had, or does not take the model, is `absent` with the reason.
    """

    def say(line: str) -> None:
        click.echo(f"{what}: {line}", err=True)

    if Path(what).is_dir():
        artefact, source = resolve_artefact(what, out, model=model, progress=say)
    else:
        source = in_precision(resolve_model(what, out, progress=say), precision, out, say).path
        artefact = compile_for(str(source), "arm64-a76", out, precision=precision, progress=say)
    made_for = artefact.manifest["precision"]
    if made_for != (precision or made_for):
        raise InputError(f"compiled for {made_for}, not {precision}")
    inputs = seeded_inputs(artefact.manifest["inputs"])
    source_model = load_model(source)
    expected = reference_outputs(source_model, inputs)
    tolerance = artefact.manifest["check"]["tolerance"]
    measured = [measure(artefact, inputs, say) for _ in range(times)]
    found, outputs = measured[0]
    totals = [each.instructions for each, _ in measured]
    rows = Rows(source_model, named=False)
    result: dict[str, Any] = {
        "artefact_sha256": artefact.sha256,
        "precision": made_for,
        "times": totals,
        "spread": (max(totals) - min(totals)) / min(totals),
        "runtimes": {OURS: row_of(Setting(OURS, made_for), found, outputs, expected, tolerance)},
        "absent": rows.absent,
    }
    if caches:
        result["caches"] = count_misses(artefact, inputs, say).to_dict()
    for peer in peers:
        setting = Setting(peer, made_for)
        with rows.trying(setting):
            row = count_peer(setting, source_model, inputs, expected, tolerance, say)
            result["runtimes"][peer] = row
    return result


def table(what: str, result: dict[str, Any], kernels: int) -> str:
    """The cost of each runtime, and of the costliest kernels or libraries in it, in millions."""
    lines = [f"{what}, {result['precision']}, one inference on an emulated Cortex-A76, one thread"]
    lines.append(KNOWN_ERROR)
    if len(result["times"]) > 1:
        lines.append(f"TVM counted {len(result['times'])} times, spread {result['spread']:.5%}")
    lines.append(f"{'instr M':>10}{'est. cycles M':>15}{'FMA bound M':>13}{'MACs M':>9}  runtime")
    for runtime, row in result["runtimes"].items():
        found = row["cost"]
        lines.append(
            f"{found['instructions'] / 1e6:10.2f}{found['est_cycles'] / 1e6:15.2f}"
            f"{found['fma_cycles'] / 1e6:13.2f}{found['macs'] / 1e6:9.2f}  {runtime}"
        )
    if found := result.get("caches"):
        misses = {name: count for name, count in found.items() if "miss" in name}
        lines.append(f"TVM's misses, {found['note']}:")
        lines += [f"{count:12}  {name.replace('_', ' ')}" for name, count in misses.items()]
    lines += [f"absent: {peer}: {reason}" for peer, reason in result["absent"].items()]
    lines.append(f"{'calls':>7}{'instr M':>10}{'cycles M':>10}{'fma M':>9}{'MACs M':>9}  kernel")
    for share in result["runtimes"][OURS]["cost"]["kernels"][:kernels]:
        figures = [share[key] / 1e6 for key in ("instructions", "est_cycles", "fma_cycles", "macs")]
        lines.append(
            f"{share['calls']:7.0f}{figures[0]:10.3f}{figures[1]:10.3f}{figures[2]:9.3f}"
            f"{figures[3]:9.3f}  {share['name']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    cli.main(command=main)
