"""How evenly networks share their instructions among threads, on an emulated Cortex-A76.

python benchmarks/thread_balance.py [--models NAME ...] [--threads N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import cli
from bench.cost.thread_balance import Balance, measure_balance
from bench.models import resolve_model
from compile.pipeline import compile_model

MODELS = ("mobiledepth", "mobilenet_v1_add", "regnety_004_add", "fastdepth_pruned")
SHOWN = 5


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--threads", type=click.IntRange(min=2), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], threads: int, as_json: bool) -> None:
    """Compile networks for several threads and count what each of them runs.

    Instructions, no time: what threads wait for at the end of each kernel.
    """
    found: dict[str, Any] = {}
    for name in models:
        balance = measure(name, threads)
        found[name] = balance.to_dict()
        if not as_json:
            click.echo(f"{name}, {threads} threads: balance {balance.balance:.3f}")
            for kernel in balance.kernels[:SHOWN]:
                shares = " ".join(f"{one / 1e6:.2f} M" for one in kernel.instructions)
                click.echo(f"  {kernel.balance:.2f}  {kernel.name}: {shares}")
    if as_json:
        click.echo(json.dumps(found, indent=2))


def measure(name: str, threads: int) -> Balance:
    """The balance of a network on seeded random inputs."""
    with tempfile.TemporaryDirectory() as folder:
        model = resolve_model(name, Path(folder))
        artefact = compile_model(model.path, "arm64-a76", Path(folder) / "a", threads=threads)
        random = np.random.default_rng(0)
        inputs = {
            port["name"]: random.random(port["shape"]).astype(port["dtype"])
            for port in artefact.manifest["inputs"]
        }
        return measure_balance(artefact, inputs)


if __name__ == "__main__":
    cli.main(command=main)
