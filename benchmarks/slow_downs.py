"""Share of slow-downs, and of mere noise, that `depthbench check` flags.

python benchmarks/slow_downs.py [--histories N] [--json]

Histories are simulated, since the truth must be known: each run has 300 samples in three
sessions, drift between runs and sessions, heavy tails within, and now and then a sample that
something else on the machine disturbed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import click
import numpy as np

from bench import cli
from bench.stats.regression import LEAST_RUNS, MOST_RUNS, Run, compare_with_history


@dataclass(frozen=True)
class Noise:
    """Relative spread between runs, within a run, and the share of disturbed samples."""

    drift: float
    spread: float
    disturbed: float


NOISE = {"phone": Noise(0.008, 0.01, 0.02), "shared machine": Noise(0.01, 0.02, 0.05)}
SLOWER = (1.0, 1.02, 1.05, 1.1)
MEDIAN_MS = 60.0


def noisy_run(generator: np.random.Generator, noise: Noise) -> Run:
    """The median and 90th percentile of one simulated run, in milliseconds."""
    drift = noise.drift / np.sqrt(2)  # the variance of Student's t of four degrees is two
    level = MEDIAN_MS * np.exp(drift * generator.standard_t(4))
    sessions = level * np.exp(0.5 * drift * generator.standard_t(4, (3, 1)))
    samples = sessions * (1 + noise.spread * np.abs(generator.standard_t(3, (3, 100))))
    hit = generator.random(samples.shape) < noise.disturbed
    samples[hit] *= 1 + generator.exponential(0.3, int(hit.sum()))
    p50, p90 = np.percentile(samples, (50, 90))
    return Run(float(p50), float(p90))


def flagged(noise: Noise, past: int, slower: float, histories: int) -> float:
    """The share of histories of `past` runs whose next run, `slower` times as long, is flagged."""
    generator = np.random.default_rng(past)
    found = 0
    for _ in range(histories):
        *before, last = (noisy_run(generator, noise) for _ in range(past + 1))
        last = Run(slower * last.p50, slower * last.p90)
        found += bool(compare_with_history(before, last).broke)
    return found / histories


@click.command()
@click.option("--histories", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(histories: int, as_json: bool) -> None:
    """Print the share of simulated histories that are flagged, by noise, length and slow-down."""
    rows: list[dict[str, Any]] = [
        {"noise": name, "past_runs": past, "slower": slower, "flagged": share}
        for name, noise in NOISE.items()
        for past in (LEAST_RUNS, MOST_RUNS)
        for slower in SLOWER
        for share in [flagged(noise, past, slower, histories)]
    ]
    if as_json:
        click.echo(json.dumps({"histories": histories, "simulated": True, "flagged": rows}))
        return
    click.echo(f"flagged of {histories} simulated histories each")
    for row in rows:
        click.echo(
            f"{row['noise']:>15}, {row['past_runs']:2} past runs, {row['slower'] - 1:4.0%} slower: "
            f"{row['flagged']:6.1%}"
        )


if __name__ == "__main__":
    cli.main(command=main)
