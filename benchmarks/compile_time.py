"""How long `depthbench compile` takes, from nothing and again with nothing changed.

CPU time is that of all threads and processes: more than the clock's where two cores were at work,
less where others were.

python benchmarks/compile_time.py [--models NAME ...] [--targets NAME ...] [--repeats N] [--json]
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
from networks import ARCHITECTURES
from networks.find import find

from bench import cli

MODELS = ("mobiledepth", "dorn", "depth_anything_v2_small_252", "midas_small", "monodepth2")
TARGETS = ("host", "arm64-a76")


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--targets", multiple=True, default=TARGETS, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], targets: tuple[str, ...], repeats: int, as_json: bool) -> None:
    """Compile networks in fresh processes, as a user does: ours, or public architectures.

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
                click.echo(describe(name, target, results[name][target]))
    if as_json:
        click.echo(json.dumps({"cores": cores, "repeats": repeats, "models": results}, indent=2))


def measure(name: str, target: str, repeats: int, out: Path) -> dict[str, Any]:
    """Seconds of each way, by the clock and of CPU: medians and every sample.

    A public architecture is compiled by its file alone.
    """
    model = find(name, out)
    artefact = out / "artefact"
    ways = {"fresh": str(model.path), "cached": str(model.path)}
    if name not in ARCHITECTURES:
        ways["cached_by_name"] = name
    samples: dict[str, list[float]] = {way: [] for way in ways}
    fresh_cpu: list[float] = []
    for _ in range(repeats):
        shutil.rmtree(artefact, ignore_errors=True)
        for way, what in ways.items():
            start, cpu = time.perf_counter(), children_cpu()
            document = compile_once(what, target, artefact, out)
            samples[way].append(time.perf_counter() - start)
            if way == "fresh":
                fresh_cpu.append(children_cpu() - cpu)
            if document["reused"] != (way != "fresh"):
                raise click.ClickException(f"{name}: compiled again although nothing changed")
    return {
        **{f"{way}_s": median(seconds) for way, seconds in samples.items()},
        "fresh_cpu_s": median(fresh_cpu),
        "samples_s": samples,
        "bytes": document["files"]["model.so"]["bytes"],
        "memory": document["memory"],
    }


def describe(name: str, target: str, seconds: dict[str, Any]) -> str:
    """A measurement in one line."""
    again = f"unchanged {seconds['cached_s']:.2f} s by file"
    if "cached_by_name_s" in seconds:
        again += f" and {seconds['cached_by_name_s']:.2f} s by name"
    fresh = f"{seconds['fresh_s']:.1f} s from nothing ({seconds['fresh_cpu_s']:.1f} s of CPU)"
    return f"{name} for {target}: {fresh}, {again}"


def children_cpu() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
