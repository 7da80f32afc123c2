"""Wall-clock and CPU time of one run on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

QUIET_S = 0.003
# Threads that were asleep may share a core until the kernel balances its cores, each few
# milliseconds: a quarter of the runs took 1.1 to 1.5 times the median after a single run.
WAKE_S = 0.02


class Sample(NamedTuple):
    """Milliseconds of one run: of the clock, and of all threads of this process together."""

    wall_ms: float
    cpu_ms: float


def time_once(run: Callable[[], object], several_threads: bool = False) -> Sample:
    """Time one run.

    CPU time is the process's: what others do on the machine is not in it. With `several_threads`
    runs that do not count, for `WAKE_S` seconds, wake them and spread them over the cores before
    it, and the end is waited for of what they spin after it, which would be in the next one's way.
    """
    if several_threads:
        _wake_threads(run)
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    run()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    if several_threads:
        wait_until_idle()
    return Sample(wall / 1e6, cpu / 1e6)


def _wake_threads(run: Callable[[], object]) -> None:
    end = time.monotonic() + WAKE_S
    run()
    while time.monotonic() < end:
        run()


def wait_until_idle(limit_s: float = 1.0) -> None:
    """Wait until no thread of this process computes, `limit_s` seconds at most."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        cpu = time.process_time_ns()
        time.sleep(QUIET_S)
        if time.process_time_ns() - cpu < QUIET_S * 1e9 / 10:
            return
