"""Interleaved timing: runtimes take turns, so that noise of the machine falls on all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.measure.timing import Sample
from depthbench import cancellation
from depthbench.errors import RuntimeLost
from depthbench.plural import counted
from depthbench.progress import Progress

WARM_UPS = 5
ROUNDS = 60


@dataclass
class Times:
    """Milliseconds of one runtime, one entry a round: of the clock, and of all cores together."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def interleave(
    samplers: Mapping[str, Callable[[], Sample]],
    *,
    rounds: int = ROUNDS,
    warm_ups: int = WARM_UPS,
    seed: int = 0,
    lost: dict[str, str] | None = None,
    progress: Progress = lambda line: None,
) -> dict[str, Times]:
    """Take a sample of each once a round, in an order drawn anew each round.

    So no one always follows the same other. One that raises RuntimeLost has no times in the
    result: where `lost` is given its reason goes there and the others go on, else the exception
    does.
    """
    times = {name: Times() for name in samplers}

    def sample(name: str) -> Sample | None:
        try:
            return samplers[name]()
        except RuntimeLost as error:
            if lost is None:
                raise
            lost[name] = str(error)
            del times[name]
            return None

    for name in samplers:
        progress(f"warming up {name}")
        for _ in range(warm_ups):
            if name in times:
                sample(name)
    generator = np.random.default_rng(seed)
    order = list(samplers)
    for number in range(rounds):
        cancellation.check()
        progress(f"timing {counted(len(times), 'runtime')}: round {number + 1} of {rounds}")
        generator.shuffle(order)
        for name in order:
            if name in times and (taken := sample(name)) is not None:
                times[name].wall_ms.append(taken.wall_ms)
                times[name].cpu_ms.append(taken.cpu_ms)
    return times
