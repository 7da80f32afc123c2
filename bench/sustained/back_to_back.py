"""Inferences back to back for a given time, and how fast each second of them was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from depthbench import cancellation

REQUEST_S = 1.0
"""A request to a device has its own cost, and an interruption waits for one."""

Times = Callable[[int], list[float]]
"""Runs a model so many times and gives the seconds of each, after a run that does not count."""


class Stretch(NamedTuple):
    """The inferences of a request: when it ended, in seconds since the run began, how many there
    were, and the milliseconds of all together and of the slowest.
    """

    ended_s: float
    inferences: int
    busy_ms: float
    slowest_ms: float


@dataclass
class Run:
    """A run of `asked_s` seconds so far, stretch by stretch; it has taken `seconds`.

    `began_s` is the device's uptime at its start, where it tells it.
    """

    asked_s: float
    stretches: list[Stretch] = field(default_factory=list)
    seconds: float = 0.0
    began_s: float | None = None

    @property
    def counted(self) -> int:
        """The inferences that were timed."""
        return sum(stretch.inferences for stretch in self.stretches)

    @property
    def uncounted(self) -> int:
        """Those that the device's timer ran without timing them, one before each request."""
        return len(self.stretches)


def run_back_to_back(
    times: Times,
    run: Run,
    on_stretch: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Call `times` until `run.asked_s` seconds have passed, and add each stretch to `run`.

    The run is the caller's, so that what was taken before an interruption is not lost.
    `on_stretch` is called after each request, about every second.
    """
    start, count = clock(), 1
    while run.seconds < run.asked_s:
        cancellation.check()
        taken = [seconds * 1e3 for seconds in times(count)]
        began, run.seconds = run.seconds, clock() - start
        run.stretches.append(Stretch(run.seconds, len(taken), sum(taken), max(taken)))
        on_stretch()
        each = max((run.seconds - began) / (len(taken) + 1), 1e-6)
        count = max(1, min(int(REQUEST_S / each), int((run.asked_s - run.seconds) / each)))
