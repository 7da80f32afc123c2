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
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import click
from networks import ARCHITECTURES
from networks.find import find

from bench import cli
from bench.cli.output import table
from compile.targets import get as get_target
from depthnet import zoo

PUBLIC = (
    *("depth_anything_v2_small_252", "depth_anything_v2_small_364"),
    *("depth_anything_v2_small_518", "midas_small", "monodepth2"),
)
MODELS = (*(entry.name for entry in zoo.ENTRIES), *PUBLIC)
TARGETS = ("host", "arm64-a76")
LIMIT_S = 30.0
"""By the clock, on two cores: no network of ours may take longer from nothing."""

Seconds = dict[str, Any]


@click.command()
@click.option(
    "--models", multiple=True, default=MODELS, help="[default: the zoo and public architectures]"
)
@click.option("--targets", multiple=True, default=TARGETS, show_default=True)
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], targets: tuple[str, ...], repeats: int, as_json: bool) -> None:
    """Compile networks in fresh processes, as a user does: ours, or public architectures.

    Starting Python, the check against ONNX Runtime and hashing are in the seconds. From nothing,
    the ONNX file is there already; unchanged, it is compiled by its path and by the network's name.
    """
    for target in targets:
        get_target(target)  # one that is not known is said at once
    cores = len(os.sched_getaffinity(0))
    results: dict[str, dict[str, Seconds]] = {}
    for name in models:
        for target in targets:
            with tempfile.TemporaryDirectory() as folder:
                results.setdefault(name, {})[target] = measure(name, target, repeats, Path(folder))
            click.echo(describe(name, target, results[name][target]), err=True)
    slow = above_limit(results)
    if as_json:
        document = {"cores": cores, "repeats": repeats, "limit_s": LIMIT_S, "above_limit": slow}
        click.echo(json.dumps({**document, "models": results}, indent=2))
        return
    click.echo(f"seconds on {cores} cores, from nothing: by the clock, and of CPU")
    rows = [cells(name, row) for name, row in results.items()]
    click.echo(table(rows, right=rows[0].keys() - {"network"}))
    click.echo(f"\nabove {LIMIT_S:.0f} s by the clock: {', '.join(slow) or 'none'}")


def above_limit(results: Mapping[str, Mapping[str, Seconds]]) -> list[str]:
    """Those that take longer than LIMIT_S from nothing, each with the target."""
    return [
        f"{name} for {target}"
        for name, row in results.items()
        for target, seconds in row.items()
        if seconds["fresh_s"] > LIMIT_S
    ]


def cells(name: str, row: Mapping[str, Seconds]) -> dict[str, str]:
    """A row of the table."""
    found = {"network": name}
    for target, seconds in row.items():
        found[target] = f"{seconds['fresh_s']:.1f}"
        found[f"{target} CPU"] = f"{seconds['fresh_cpu_s']:.1f}"
    return found


def measure(name: str, target: str, repeats: int, out: Path) -> Seconds:
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


def describe(name: str, target: str, seconds: Seconds) -> str:
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
