"""Speed over a sustained run, against devices whose speed is a function of time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sustained.back_to_back import REQUEST_S, Run, run_back_to_back
from bench.sustained.speed import speed_of, throttled_at

LATENCY_S = 0.004
"""Of a request, beside its inferences."""


class Device:
    """Its clock goes by what it computes: an inference takes `seconds_at(now)`."""

    def __init__(self, seconds_at: Callable[[float], float]) -> None:
        self.seconds_at = seconds_at
        self.now = 100.0
        self.inferences = 0

    def times(self, count: int) -> list[float]:
        self.now += LATENCY_S
        taken = []
        for _ in range(count + 1):
            taken.append(self.seconds_at(self.now - 100))
            self.now += taken[-1]
        self.inferences += count + 1
        return taken[1:]

    def run(self, asked_s: float) -> Run:
        run = Run(asked_s)
        run_back_to_back(self.times, run, clock=lambda: self.now)
        return run


@settings(deadline=None)
@given(st.floats(0.002, 3.0), st.floats(1, 300))
def test_it_computes_all_the_time_and_no_longer_than_asked(each: float, asked: float) -> None:
    device = Device(lambda now: each)
    run = device.run(asked)
    assert run.counted + run.uncounted == device.inferences
    assert device.inferences * each >= 0.95 * run.seconds - 2 * each
    assert asked <= run.seconds <= asked + 2 * (REQUEST_S + each + LATENCY_S)
    ends = [stretch.ended_s for stretch in run.stretches]
    assert all(one < other for one, other in pairwise(ends))
    # The first request has one inference: nobody knows yet how long it takes.
    busy = sum(stretch.busy_ms for stretch in run.stretches)
    assert busy == pytest.approx(1e3 * each * run.counted)


@pytest.mark.parametrize(("asked", "edge", "window"), [(30, 10, 2), (600, 60, 10), (3600, 60, 60)])
def test_a_steady_device_keeps_its_rate(asked: float, edge: float, window: float) -> None:
    speed = speed_of(Device(lambda now: 0.04).run(asked))
    assert speed["first_fps"] == pytest.approx(25)
    assert speed["last_to_first"] == pytest.approx(1)
    assert speed["throttled_at_s"] is None
    assert speed["edge_s"] == pytest.approx(edge, rel=0.05)
    assert speed["window_s"] == window
    assert [one["start_s"] for one in speed["windows"]][:3] == [0, window, 2 * window]
    assert all(one["fps"] == pytest.approx(25) for one in speed["windows"])


def test_a_device_that_throttles_says_when_and_how_far() -> None:
    """50 frames/s for 200 s, then linearly down to 30 at 400 s, where it stays."""

    def seconds_at(now: float) -> float:
        return 1 / (50 - 20 * min(max((now - 200) / 200, 0), 1))

    speed = speed_of(Device(seconds_at).run(600))
    assert speed["first_fps"] == pytest.approx(50)
    assert speed["last_fps"] == pytest.approx(30)
    assert speed["last_to_first"] == pytest.approx(0.6)
    # 5 % slower at 225 s: in the window that begins at 220 s or the next one.
    assert speed["throttled_at_s"] in (220, 230)


def test_a_moment_of_other_work_is_no_throttling() -> None:
    def seconds_at(now: float) -> float:
        return 0.02 if not 300 <= now < 315 else 0.04

    assert speed_of(Device(seconds_at).run(600))["throttled_at_s"] is None
    slow = [{"start_s": 10.0 * n, "fps": 40 if n in (1, 2, 4, 5, 6) else 50} for n in range(9)]
    assert throttled_at(slow, 50) == 40


def test_inferences_longer_than_a_window_leave_windows_out() -> None:
    speed = speed_of(Device(lambda now: 5.0).run(30))
    assert [one["inferences"] for one in speed["windows"]] == [1] * len(speed["windows"])
    assert speed["first_fps"] == speed["last_fps"] == pytest.approx(0.2)


def test_an_interruption_keeps_what_was_taken() -> None:
    device, run = Device(lambda now: 0.1), Run(60)

    def pull() -> None:
        if run.seconds > 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_back_to_back(device.times, run, pull, clock=lambda: device.now)
    assert 5 < run.seconds < 8
    assert speed_of(run)["last_fps"] == pytest.approx(10)


def test_times_that_are_none_are_told_as_none() -> None:
    speed = speed_of(Device(lambda now: float("inf") if now == LATENCY_S else 0.5).run(1))
    assert speed["windows"]
    run = Run(1)
    run_back_to_back(lambda count: [float("inf")], run, clock=iter([0.0, 2.0]).__next__)
    (window,) = speed_of(run)["windows"]
    assert (window["fps"], window["max_ms"]) == (None, None)
    assert speed_of(run)["last_to_first"] is None
