"""How long `depthbench compile` takes, from nothing and again with nothing changed.

python benchmarks/compile_time.py [--models NAME ...] [--target NAME] [--repeats N] [--json]
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

from bench.models import resolve_model

MODELS = ("mobiledepth",)


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--target", default="arm64-a76", show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], target: str, repeats: int, as_json: bool) -> None:
    """Compile ONNX files in fresh processes, as a user does.

    Starting Python, the check against ONNX Runtime and hashing are in the seconds, exporting the
    networks is not.
    """
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        results = {name: measure(name, target, repeats, Path(folder)) for name in models}
    if as_json:
        click.echo(json.dumps({"target": target, "cores": cores, "models": results}, indent=2))
        return
    for name, result in results.items():
        click.echo(
            f"{name} for {target}, {cores} cores: {result['fresh_s']:.1f} s from nothing, "
            f"{result['cached_s']:.2f} s unchanged (medians of {repeats})"
        )


def measure(name: str, target: str, repeats: int, out: Path) -> dict[str, Any]:
    """Seconds of both, by the clock: medians and every sample."""
    model = resolve_model(name, out)
    artefact = out / "artefact"
    samples: dict[str, list[float]] = {"fresh": [], "cached": []}
    for _ in range(repeats):
        shutil.rmtree(artefact, ignore_errors=True)
        for kind, seconds in samples.items():
            start = time.perf_counter()
            document = compile_once(model.path, target, artefact)
            seconds.append(time.perf_counter() - start)
            if document["reused"] != (kind == "cached"):
                raise click.ClickException(f"{name}: compiled again although nothing changed")
    shutil.rmtree(artefact)
    return {
        "fresh_s": median(samples["fresh"]),
        "cached_s": median(samples["cached"]),
        "samples_s": samples,
        "bytes": document["files"]["model.so"]["bytes"],
        "memory": document["memory"],
    }


def compile_once(model: Path, target: str, artefact: Path) -> dict[str, Any]:
    """What the command prints; raises ClickException with its message where it fails."""
    command = ["-m", "bench.cli", "compile", str(model), "--target", target, "-o", str(artefact)]
    done = subprocess.run(
        [sys.executable, *command, "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise click.ClickException(f"{model.stem}: {done.stderr.strip()}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
