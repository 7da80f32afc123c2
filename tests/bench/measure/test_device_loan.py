"""Devices on loan, with a pool that notes what comes back."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bench.measure.device_loan import TRIES, on_loan, with_retries
from depthbench.errors import CheckFailed, DeviceError


class Pool:
    """Devices a, b, c, ... in turns; `returned` says of each whether it was lost."""

    def __init__(self) -> None:
        self.taken = 0
        self.returned: list[tuple[str, bool]] = []

    def take(self, while_waiting: Callable[[], None]) -> Any:
        while_waiting()
        self.taken += 1
        return SimpleNamespace(name="abcdefgh"[self.taken - 1])

    def give_back(self, device: Any, lost: bool = False) -> None:
        self.returned.append((device.name, lost))


def retry(pool: Pool, use: Callable[[Any], Any], **more: Any) -> Any:
    return with_retries(pool, use, while_waiting=lambda: None, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "lost"), [(DeviceError("gone"), True), (CheckFailed("wrong"), False)]
)
def test_a_device_comes_back_however_the_block_ends(error: Exception, lost: bool) -> None:
    pool = Pool()
    device: Any = SimpleNamespace(name="a")
    with pytest.raises(type(error)), on_loan(pool, device):  # type: ignore[arg-type]
        raise error
    with on_loan(pool, device):  # type: ignore[arg-type]
        pass
    assert pool.returned == [("a", lost), ("a", False)]


def test_work_whose_device_is_lost_is_done_again_on_another() -> None:
    pool = Pool()
    told: list[str] = []

    def use(device: Any) -> str:
        if device.name == "a":
            raise DeviceError("a: gone")
        return f"done on {device.name}"

    assert retry(pool, use, progress=told.append) == "done on b"
    assert pool.returned == [("a", True), ("b", False)]
    assert told == ["a: gone"]


def test_work_that_loses_every_device_is_given_up() -> None:
    pool = Pool()

    def use(device: Any) -> None:
        raise DeviceError(f"{device.name}: gone")

    with pytest.raises(DeviceError, match="c: gone"):
        retry(pool, use)
    assert pool.taken == len(pool.returned) == TRIES


def test_another_error_is_not_tried_again() -> None:
    pool = Pool()

    def use(device: Any) -> None:
        raise CheckFailed("wrong outputs")

    with pytest.raises(CheckFailed):
        retry(pool, use)
    assert pool.returned == [("a", False)]


def test_an_interruption_while_waiting_takes_no_device() -> None:
    pool: Any = Pool()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with_retries(pool, lambda device: None, while_waiting=interrupted)
    assert (pool.taken, pool.returned) == (0, [])
