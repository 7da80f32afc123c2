"""What depthbench makes of the paper's networks: their cost and, where trained, their accuracy.

python benchmarks/paper_measured.py [NETWORK ...] [--again] [--data DATA] [--json]

Counts what each network that the paper times costs on an emulated Cortex-A76, estimates its time on
one as fast as the paper's, scores those that ship trained by the paper's rule, and keeps all in
bench/paper/measured.json, which `depthbench paper` shows. Takes a minute a network, the largest
ten, one after another; the same command goes on after Ctrl-C.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from bench import cli
from bench.accuracy.evaluate import measure_accuracy
from bench.cost.memory.core import KIRIN_980
from bench.cost.model_cost import measure_cost
from bench.models import resolve_model
from bench.paper.measured import FILE, SCHEMA, read_measured, timed_networks
from bench.records.provenance import commit_of, tool_versions
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench.files import write_whole
from depthnet import zoo
from depthnet.data import open_dataset
from depthnet.scoring import protocols
from depthnet.weights import pretrained

COUNTED = ("label", "instructions", "est_cycles", "estimate", "macs", "artefact_sha256")
CONDITIONS = ("precision", "threads", "emulator", "cycle_model")
PAPERS_CORE = KIRIN_980
"""The paper says: one Cortex-A76 at 2.6 GHz, which is this one's clock."""


@click.command()
@click.argument("networks", nargs=-1)
@click.option("--again", is_flag=True, help="Count again what was counted of other code.")
@click.option("--data", default="nyu", show_default=True, help="NYU Depth v2: its test split.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(networks: tuple[str, ...], again: bool, data: str, out: Path, as_json: bool) -> None:
    """Measure NETWORKS, by default all that the paper gives milliseconds for."""
    wanted = [zoo.get(name).name for name in networks] or timed_networks()
    compiler = commit_of("compile")
    for name in wanted:
        measured = read_measured()
        known = measured["cost"].get(name)
        if known is None or (again and known["compiler"] != compiler):
            measured["cost"][name] = count(name, out)
            write(measured)
        if pretrained.weights_path(name) and name not in measured["accuracy"]:
            measured["accuracy"][name] = score(name, data, out)
            write(measured)
    measured = read_measured()
    if as_json:
        click.echo(json.dumps(measured, indent=2))
        return
    for name in wanted:
        found = measured["cost"][name]
        millions = (found["instructions"] / 1e6, found["est_cycles"] / 1e6)
        click.echo(f"{millions[0]:10.2f} M instructions{millions[1]:10.2f} M est. cycles  {name}")


def count(name: str, out: Path) -> dict[str, Any]:
    """One network as compiled by default, fp32, one thread: its cost and where it is from."""
    record = measure_cost(
        name,
        out,
        core=PAPERS_CORE,
        progress=lambda line: click.echo(f"{name}: {line}", err=True),
    )
    return {
        **{key: record[key] for key in COUNTED},
        **{key: record["conditions"][key] for key in CONDITIONS},
        "max_relative_difference": record["agreement"]["max_relative_difference"],
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python benchmarks/paper_measured.py {name} --again",
        "tools": tool_versions(),
        "compiler": commit_of("compile"),
    }


def score(name: str, data: str, out: Path) -> dict[str, Any]:
    """The record of a trained network's accuracy on all test images, without those of each."""
    model = resolve_model(name, out)
    click.echo(f"{name}: scoring", err=True)
    dataset = open_dataset(data, "test")
    with OnnxRuntimeCpu(model.path) as runtime:
        record = measure_accuracy(model, runtime, dataset, protocols.get("paper"))
    del record["per_image"]
    return record


def write(measured: dict[str, Any]) -> None:
    """Keep the file, its networks in the order of their names."""
    ordered = {kind: dict(sorted(found.items())) for kind, found in measured.items()}
    document = {"schema": SCHEMA, **ordered}
    write_whole(FILE, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


if __name__ == "__main__":
    cli.main(command=main)
