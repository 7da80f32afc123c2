from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bench.cli.progress import counter, status
from bench.measure.interleaving import interleave
from bench.measure.sampling_plan import QUICK, take_session
from bench.measure.timing import Sample
from depthbench import cancellation


@pytest.fixture(autouse=True)
def _new() -> Iterator[None]:
    cancellation.reset()
    yield
    cancellation.reset()


def test_nothing_is_cancelled_to_begin_with() -> None:
    assert not cancellation.cancelled()
    cancellation.check()


def test_every_thread_is_told() -> None:
    told = []

    def work() -> None:
        try:
            cancellation.check()
        except KeyboardInterrupt:
            told.append(threading.current_thread())

    cancellation.cancel()
    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == set(threads)


def test_rounds_end_once_cancelled() -> None:
    taken = []

    def sample() -> Sample:
        taken.append(1)
        if len(taken) == 3:
            cancellation.cancel()
        return Sample(1.0, 1.0)

    with pytest.raises(KeyboardInterrupt):
        interleave({"a": sample}, rounds=100, warm_ups=0)
    assert len(taken) == 3


def test_a_session_ends_once_cancelled_and_keeps_its_samples() -> None:
    class Timer:
        def warm_up(self, count: int) -> None:
            cancellation.cancel()

        def times(self, count: int) -> list[float]:
            return [0.001] * count

    samples: list[float] = []
    with pytest.raises(KeyboardInterrupt):
        take_session(Timer(), QUICK, samples)
    assert samples == [1.0]


def test_progress_only_shows() -> None:
    cancellation.cancel()
    with status() as progress, counter("images", 2) as advance:
        progress("still shown")
        advance()
