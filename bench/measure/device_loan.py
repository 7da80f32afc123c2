"""A device of a pool for the length of a block, and work that is done again when one is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from depthbench.errors import DeviceError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.devices.device_pool import DevicePool

TRIES = 3
"""Work that has lost so many devices is the likelier cause."""

T = TypeVar("T")


@contextmanager
def on_loan(pool: DevicePool, device: Device) -> Iterator[None]:
    """Give `device` back to `pool` after the block, as lost where that raises DeviceError."""
    lost = False
    try:
        yield
    except DeviceError:
        lost = True
        raise
    finally:
        pool.give_back(device, lost)


def with_retries(
    pool: DevicePool,
    use: Callable[[Device], T],
    *,
    while_waiting: Callable[[], None],
    progress: Progress = lambda line: None,
    tries: int = TRIES,
) -> T:
    """What `use` returns for the next device that is free.

    Where a device is lost, which `use` tells by DeviceError, it is called again, with that device
    when it is back or with another; the last of `tries` raises. `while_waiting` is called now and
    then until a device is free. Raises what `DevicePool.take` and `use` raise.
    """
    while True:
        device = pool.take(while_waiting)
        tries -= 1
        try:
            with on_loan(pool, device):
                return use(device)
        except DeviceError as error:
            if tries <= 0:
                raise
            progress(str(error))
