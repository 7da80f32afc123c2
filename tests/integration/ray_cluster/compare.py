"""The same sweep on one process, on two, and on a Ray cluster of two nodes of this machine.

python -m tests.integration.ray_cluster.compare PLAN [--out FOLDER]

On the cluster it runs as it is, then with a node that is killed in the midst, then with the
command killed in the midst and started again. Prints seconds, how many steps ended and how many
of them twice, and which results are those of one process to the byte.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

import click

from tests.integration.ray_cluster.local_cluster import LocalCluster, joined, local_cluster

LOOK_S = 0.2
Killed = Literal["nothing", "a node", "the command"]


class Sweep:
    """`depthbench sweep PLAN` into a folder of its own, beside which is a log of what it prints."""

    def __init__(self, plan: Path, folder: Path, options: list[str]) -> None:
        self.folder = folder
        self._told = folder / "told"
        places = ["--out", str(folder), "--output", str(self._told)]
        self._command = [sys.executable, "-m", "bench.cli", "sweep", str(plan), *places, *options]

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it, and wait for its first step to end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log)
        while not self.ended() and process.poll() is None:
            time.sleep(LOOK_S)
        return process

    def ended(self) -> list[str]:
        """The keys of the steps that have ended, as often as they have."""
        file = self._told / "log.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line)["key"] for line in lines]

    def results(self) -> bytes:
        """All that is the same however often and wherever it is computed."""
        return (self._told / "canonical.json").read_bytes()


def run(sweep: Sweep, cluster: LocalCluster | None = None, killed: Killed = "nothing") -> float:
    """Seconds that a sweep takes of which, after its first step, something is killed."""
    start = time.monotonic()
    with sweep.begin() as process:
        if killed == "a node" and cluster:
            cluster.lose_node()
        if killed == "the command":
            process.kill()
            process.wait()
    if killed == "the command":
        with sweep.begin() as process:
            pass
    if process.returncode:
        raise click.ClickException(f"the sweep failed: see {sweep.folder / 'log'}")
    return time.monotonic() - start


def run_on_cluster(plan: Path, folder: Path, killed: Killed) -> tuple[Sweep, float]:
    """A sweep on a cluster of its own, and its seconds, without those to start the cluster."""
    with local_cluster(nodes=2) as cluster, tempfile.TemporaryDirectory() as scratch:
        os.environ.update(cluster.environment)
        with joined(cluster, 2, Path(scratch)):
            pass
        sweep = Sweep(plan, folder, ["--ray", cluster.address])
        return sweep, run(sweep, cluster, killed)


def difference(one: Sweep, other: Sweep) -> str:
    """Which kinds of step came out otherwise, in words."""
    first, second = (json.loads(sweep.results()) for sweep in (one, other))
    kinds = {each["task"]["kind"] for each in [*first.values(), *second.values()]}
    differ = {
        first.get(key, second.get(key))["task"]["kind"]
        for key in {*first, *second}
        if first.get(key) != second.get(key)
    }
    equal = f"equal to the byte: {', '.join(sorted(kinds - differ))}"
    return f"{equal}; DIFFERENT: {', '.join(sorted(differ))}" if differ else equal


def tell(name: str, sweep: Sweep, seconds: float, first: Sweep) -> None:
    """Print two lines on a sweep beside the first."""
    ended = sweep.ended()
    twice = len(ended) - len(set(ended))
    click.echo(f"{name}: {seconds:.1f} s, {len(set(ended))} steps, {twice} twice")
    click.echo(f"  {difference(first, sweep)}")


@click.command()
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/compare"))
def main(plan: Path, out: Path) -> None:
    """Compare PLAN on one process, on two, and on a cluster of two nodes."""
    first = Sweep(plan, out / "one", ["--workers", "1"])
    tell("one process", first, run(first), first)
    second = Sweep(plan, out / "two", ["--workers", "2"])
    tell("two processes", second, run(second), first)
    ways: tuple[Killed, ...] = ("nothing", "a node", "the command")
    for killed in ways:
        sweep, seconds = run_on_cluster(plan, out / f"ray-{killed.split()[-1]}", killed)
        tell(f"Ray cluster of two nodes, {killed} killed", sweep, seconds, first)


if __name__ == "__main__":
    main()
