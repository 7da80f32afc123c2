"""Connection to a device: tracker, server, sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.session import Session

OpenSession = Callable[[], "AbstractContextManager[Session]"]


@contextmanager
def connect(device: Device, timeout_s: float) -> Iterator[OpenSession]:
    """Make the device reachable and yield what opens a session of at most `timeout_s` seconds.

    All sessions are with the same device. Before each it gets into a state fit for it: a phone
    cools down. All that was started is ended with the context.
    """
    from android_rpc.session import open_session

    with device.reach() as endpoint:

        @contextmanager
        def open_when_ready() -> Iterator[Session]:
            device.prepare()
            with open_session(*endpoint, timeout_s=timeout_s) as session:
                device.settle(session)
                yield session

        yield open_when_ready
