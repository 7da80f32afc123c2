from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure.sampling_plan import CHUNK_S, EMULATED, FULL, QUICK, Sampling, take_session
from depthbench.errors import InputError


class Clockwork:
    """A model of a fixed duration, on a clock that only it moves."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0
        self.warmups = 0
        self.chunks: list[int] = []

    def warm_up(self, count: int) -> None:
        self.warmups += count
        self.now += count * self.seconds

    def times(self, count: int) -> list[float]:
        self.chunks.append(count)
        self.now += count * self.seconds
        return [self.seconds] * count


def take(model: Clockwork, sampling: Sampling) -> list[float]:
    samples: list[float] = []
    take_session(model, sampling, samples, clock=lambda: model.now)
    return samples


@given(
    st.integers(0, 20), st.integers(1, 200), st.floats(0, 30), st.floats(0.01, 8), st.integers(1, 3)
)
def test_takes_what_was_asked_for_and_little_more(
    warmup: int, count: int, seconds: float, each: float, sessions: int
) -> None:
    model = Clockwork(each)
    samples = take(model, Sampling(warmup, count, seconds, sessions))
    assert model.warmups == warmup
    assert samples == [each * 1e3] * len(samples)
    assert len(samples) >= count
    assert len(samples) * each >= seconds - 1e-6
    # Neither bound is overshot by more than one sample.
    assert len(samples) <= max(count, seconds / each + 1) + 1e-6


@given(st.floats(0.001, 10))
def test_no_request_lasts_longer_than_a_chunk_or_one_sample(each: float) -> None:
    model = Clockwork(each)
    take(model, Sampling(0, 30, 10.0, 1))
    assert model.chunks[0] == 1
    assert max(model.chunks) * each <= max(CHUNK_S, each) * 1.001


def test_samples_taken_before_an_interruption_are_kept() -> None:
    class Stubborn(Clockwork):
        def times(self, count: int) -> list[float]:
            if len(self.chunks) == 2:
                raise KeyboardInterrupt
            return super().times(count)

    samples: list[float] = []
    model = Stubborn(1.0)
    with pytest.raises(KeyboardInterrupt):
        take_session(model, Sampling(0, 50, 0, 1), samples, clock=lambda: model.now)
    assert samples == [1000.0] * sum(model.chunks)
    assert samples


def test_every_sample_is_told() -> None:
    told: list[float] = []
    samples: list[float] = []
    model = Clockwork(0.5)
    take_session(model, Sampling(0, 7, 0, 1), samples, told.append, clock=lambda: model.now)
    assert told == samples


def test_covers_means_at_least_as_much_in_every_respect() -> None:
    assert FULL.covers(FULL)
    assert FULL.but(samples=101, sessions=None) == Sampling(10, 101, 60.0, 3)
    assert FULL.but(samples=101).covers(FULL)
    for change in ({"warmup": 9}, {"samples": 99}, {"seconds": 59.9}, {"sessions": 2}):
        assert not FULL.but(**change).covers(FULL)
    assert not QUICK.covers(FULL)
    assert not EMULATED.covers(FULL)


@pytest.mark.parametrize(
    "change", [{"warmup": -1}, {"samples": 0}, {"sessions": 0}, {"seconds": float("nan")}]
)
def test_refuses_impossible_amounts(change: dict[str, float]) -> None:
    with pytest.raises(InputError, match="cannot take"):
        FULL.but(**change)
