"""Several runtimes on one model: outputs checked first, then timed in one interleaved loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.agreement import compare as compare_outputs
from bench.errors import CheckFailed
from bench.runtimes.base import Runtime
from bench.statistics import summarise

SCHEMA = "depthbench.comparison/1"
WARM_UPS = 5
ROUNDS = 60
RESAMPLES = 2000
CONFIDENCE = (2.5, 97.5)
QUIET_S = 0.003


@dataclass
class Times:
    """Milliseconds of one runtime, one entry a round: of the clock, and of all cores together."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def interleave(
    runs: Mapping[str, Callable[[], object]],
    *,
    rounds: int = ROUNDS,
    warm_ups: int = WARM_UPS,
    seed: int = 0,
    several_threads: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Times]:
    """Time every run once a round, in an order drawn anew each round.

    What the machine does beside it falls on all alike, and no one always follows the same
    other. CPU time is the process's, all of its threads: that of others on the machine is not
    in it. With `several_threads`, each turn begins when those of the last have stopped spinning,
    with a run that wakes its own and does not count.
    """
    for run in runs.values():
        for _ in range(warm_ups):
            run()
    order = list(runs)
    generator = np.random.default_rng(seed)
    times = {name: Times() for name in runs}
    for number in range(rounds):
        progress(f"timing {len(order)} runtimes: round {number + 1} of {rounds}")
        generator.shuffle(order)
        for name in order:
            if several_threads:
                wait_until_idle()
                runs[name]()
            wall, cpu = time.perf_counter_ns(), time.process_time_ns()
            runs[name]()
            times[name].wall_ms.append((time.perf_counter_ns() - wall) / 1e6)
            times[name].cpu_ms.append((time.process_time_ns() - cpu) / 1e6)
    return times


def wait_until_idle(limit_s: float = 1.0) -> None:
    """Wait until no thread of this process computes, `limit_s` seconds at most."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        cpu = time.process_time_ns()
        time.sleep(QUIET_S)
        if time.process_time_ns() - cpu < QUIET_S * 1e9 / 10:
            return


def ratio_of_medians(
    ours: Sequence[float], theirs: Sequence[float], seed: int = 0
) -> dict[str, float]:
    """The ratio of two medians, with a 95 % confidence interval.

    The rounds of both are drawn again together (paired bootstrap, Efron 1979), since a noisy
    round is noisy for both. Raises ValueError unless both have the same number of rounds.
    """
    a, b = np.asarray(ours, float), np.asarray(theirs, float)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"{a.size} and {b.size} rounds: take as many of both, at least one")
    rows = np.random.default_rng(seed).integers(0, a.size, (RESAMPLES, a.size))
    ratios = np.median(a[rows], axis=1) / np.median(b[rows], axis=1)
    low, high = np.percentile(ratios, CONFIDENCE)
    return {"ratio": float(np.median(a) / np.median(b)), "low": float(low), "high": float(high)}


def compare(
    runtimes: Mapping[str, Runtime],
    inputs: Mapping[str, NDArray],
    *,
    reference: str = "onnxruntime",
    rounds: int = ROUNDS,
    threads: int = 1,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Compare loaded runtimes on the same inputs.

    Every output is checked against that of the runtime `reference` first. For each runtime:
    `agreement`, `wall_ms` and `cpu_ms` with their statistics, and `against`, by peer, the ratio
    of the medians of `decided_by`: CPU time for one thread, which what else the machine does
    leaves alone, and the clock's for more `threads`. Raises CheckFailed, naming them, when
    outputs do not agree.
    """
    outputs = {name: runtime.run(inputs) for name, runtime in runtimes.items()}
    outputs = {name: {k: v.copy() for k, v in output.items()} for name, output in outputs.items()}
    agreements = {
        name: compare_outputs(outputs[reference], output, reference)
        for name, output in outputs.items()
    }
    wrong = [
        f"{name} by {found['max_relative_difference']}"
        for name, found in agreements.items()
        if not _agrees(found)
    ]
    if wrong:
        raise CheckFailed(f"outputs differ from {reference}'s: {', '.join(wrong)}; nothing timed")
    runs = {name: _run(runtime, inputs) for name, runtime in runtimes.items()}
    times = interleave(runs, rounds=rounds, several_threads=threads > 1, progress=progress)
    decided_by = "cpu_ms" if threads == 1 else "wall_ms"
    return {
        "schema": SCHEMA,
        "reference": reference,
        "rounds": rounds,
        "threads": threads,
        "decided_by": decided_by,
        "runtimes": {
            name: {
                **runtimes[name].describe(),
                "agreement": agreements[name],
                "wall_ms": summarise(taken.wall_ms),
                "cpu_ms": summarise(taken.cpu_ms),
                "against": {
                    peer: ratio_of_medians(
                        getattr(taken, decided_by), getattr(times[peer], decided_by)
                    )
                    for peer in runtimes
                    if peer != name
                },
            }
            for name, taken in times.items()
        },
    }


def _run(runtime: Runtime, inputs: Mapping[str, NDArray]) -> Callable[[], object]:
    return lambda: runtime.run(inputs)


def _agrees(agreement: Mapping[str, Any]) -> bool:
    difference = agreement["max_relative_difference"]
    return difference is not None and difference <= agreement["tolerance"]
