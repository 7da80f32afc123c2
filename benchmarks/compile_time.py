"""How long `depthbench compile` takes, from nothing and again with nothing changed.

python benchmarks/compile_time.py [--models NAME ...] [--targets NAME ...] [--repeats N] [--json]
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench import cli
from bench.models import resolve_model

MODELS = ("mobiledepth",)
TARGETS = ("host", "arm64-a76")


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--targets", multiple=True, default=TARGETS, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], targets: tuple[str, ...], repeats: int, as_json: bool) -> None:
    """Compile networks in fresh processes, as a user does.

    Starting Python, the check against ONNX Runtime and hashing are in the seconds. From nothing,
    the ONNX file is there already; unchanged, it is compiled by its path and by the network's name.
    """
    cores = len(os.sched_getaffinity(0))
    results: dict[str, dict[str, Any]] = {}
    for name in models:
        for target in targets:
            with tempfile.TemporaryDirectory() as folder:
                results.setdefault(name, {})[target] = measure(name, target, repeats, Path(folder))
            if not as_json:
                seconds = results[name][target]
                click.echo(
                    f"{name} for {target}, {cores} cores: {seconds['fresh_s']:.1f} s from nothing, "
                    f"unchanged {seconds['cached_s']:.2f} s by file and "
                    f"{seconds['cached_by_name_s']:.2f} s by name (medians of {repeats})"
                )
    if as_json:
        click.echo(json.dumps({"cores": cores, "repeats": repeats, "models": results}, indent=2))


def measure(name: str, target: str, repeats: int, out: Path) -> dict[str, Any]:
    """Seconds of each way, by the clock: medians and every sample."""
    model = resolve_model(name, out)
    artefact = out / "artefact"
    ways = {"fresh": str(model.path), "cached": str(model.path), "cached_by_name": name}
    samples: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeats):
        shutil.rmtree(artefact, ignore_errors=True)
        for way, what in ways.items():
            start = time.perf_counter()
            document = compile_once(what, target, artefact, out)
            samples[way].append(time.perf_counter() - start)
            if document["reused"] != (way != "fresh"):
                raise click.ClickException(f"{name}: compiled again although nothing changed")
    return {
        **{f"{way}_s": median(seconds) for way, seconds in samples.items()},
        "samples_s": samples,
        "bytes": document["files"]["model.so"]["bytes"],
        "memory": document["memory"],
    }


def compile_once(what: str, target: str, artefact: Path, out: Path) -> dict[str, Any]:
    """What the command prints; raises ClickException with its message where it fails."""
    command = ["-m", "bench.cli", "compile", what, "--target", target, "--out", str(out)]
    done = subprocess.run(
        [sys.executable, *command, "-o", str(artefact), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise click.ClickException(f"{what}: {done.stderr.strip()}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    cli.main(command=main)
