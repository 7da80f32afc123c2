"""One run is timed, and those that wake its threads are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import timing
from bench.measure.timing import WAKE_S, Sample, time_once


class Clock:
    """A clock that only runs move; the first of them take longer."""

    def __init__(self, first_ms: list[int], later_ms: int) -> None:
        self.now_ns = 0
        self._durations = [*first_ms]
        self._later_ms = later_ms
        self.runs = 0

    def run(self) -> None:
        self.runs += 1
        self.now_ns += 10**6 * (self._durations.pop(0) if self._durations else self._later_ms)

    def sample(self, several_threads: bool) -> Sample:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(timing.time, "monotonic", lambda: self.now_ns / 1e9)
            for name in ("perf_counter_ns", "process_time_ns"):
                patch.setattr(timing.time, name, lambda: self.now_ns)
            patch.setattr(timing.time, "sleep", lambda seconds: None)
            return time_once(self.run, several_threads)


def test_on_one_thread_the_first_run_is_timed() -> None:
    clock = Clock([9], 4)
    assert clock.sample(False) == Sample(9.0, 9.0)
    assert clock.runs == 1


@given(st.lists(st.integers(1, 40), max_size=3), st.integers(1, 40))
def test_threads_are_awake_for_a_while_before_the_run_that_is_timed(
    first_ms: list[int], later_ms: int
) -> None:
    clock = Clock(first_ms, later_ms)
    sample = clock.sample(True)
    before_s = clock.now_ns / 1e9 - sample.wall_ms / 1e3
    assert before_s >= WAKE_S - 1e-9
    assert clock.runs >= 2
    durations = [*first_ms, *[later_ms] * clock.runs][: clock.runs]
    assert sample.wall_ms == durations[-1]
    # No longer than it takes: without the last of the runs that do not count it is too short.
    assert sum(durations[:-2]) / 1e3 < WAKE_S
