"""Sampling plans: how many warm-ups, samples, seconds and sessions, and taking them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.plural import counted


@dataclass(frozen=True)
class Sampling:
    """An amount of measurement: in each of `sessions`, `warmup` runs that do not count, then at
    least `samples` samples and at least `seconds` of them (wall clock).
    """

    warmup: int
    samples: int
    seconds: float
    sessions: int

    def __post_init__(self) -> None:
        if self.warmup < 0 or self.samples < 1 or self.sessions < 1 or not self.seconds >= 0:
            raise InputError(
                f"cannot take {counted(self.samples, 'sample')} and {self.seconds:g} s in "
                f"{counted(self.sessions, 'session')} after {counted(self.warmup, 'warm-up')}",
                advice="ask for at least 1 sample, 1 session, 0 warm-ups and 0 seconds",
            )

    def covers(self, other: Sampling) -> bool:
        """Whether this asks for at least as much as `other` in every respect."""
        mine, theirs = asdict(self), asdict(other)
        return all(mine[name] >= theirs[name] for name in theirs)

    def but(self, **changes: Any) -> Sampling:
        """A copy with the changes that are not None."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})


FULL = Sampling(warmup=10, samples=100, seconds=60.0, sessions=3)
"""What a latency needs to be valid: between TFLite's benchmark_model and MLPerf Mobile."""

QUICK = Sampling(warmup=2, samples=20, seconds=0.0, sessions=1)
"""A first impression of a device: too little for a valid latency."""

EMULATED = Sampling(warmup=1, samples=5, seconds=0.0, sessions=1)
"""An emulated inference takes seconds, and more samples of it say no more."""

CHUNK_S = 2.0
"""An interruption waits for, and loses, at most about this much."""


class Timer(Protocol):
    """A loaded model that can be timed."""

    def warm_up(self, count: int) -> None:
        """Run it `count` times, one of which may be left to the first `times`."""

    def times(self, count: int) -> list[float]:
        """Run it `count` times and return the seconds of each."""


def take_session(
    timer: Timer,
    sampling: Sampling,
    samples_ms: list[float],
    on_sample: Callable[[float], None] = lambda ms: None,
    on_chunk: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Append one session's samples, in milliseconds, to `samples_ms`.

    The list is the caller's so that the samples taken before an interruption are not lost. They
    are taken in chunks, since a request to a device has its own cost; the first is a single one.
    `on_chunk` is called after each.
    """
    timer.warm_up(sampling.warmup)
    start = clock()
    chunk = 1
    while True:
        for seconds in timer.times(chunk):
            samples_ms.append(seconds * 1e3)
            on_sample(samples_ms[-1])
        on_chunk()
        cancellation.check()
        elapsed = clock() - start
        missing = sampling.samples - len(samples_ms)
        if missing <= 0 and elapsed >= sampling.seconds:
            return
        each = max(elapsed / len(samples_ms), 1e-6)
        wanted = max(missing, math.ceil((sampling.seconds - elapsed) / each), 1)
        chunk = max(1, min(wanted, int(CHUNK_S / each)))
