"""Connection to a device: tracker, server, sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.session import Session

OpenSession = Callable[[], "AbstractContextManager[Session]"]


@contextmanager
def connect(device: Device, timeout_s: float) -> Iterator[OpenSession]:
    """Serve the device and yield what opens a session of at most `timeout_s` seconds with it.

    It is served at a tracker of our own; a device that is served elsewhere is at its own, and all
    sessions are with the same one. Before
    a session the device gets into a state fit for it: a phone cools down. All that was started
    is ended with the context.
    """
    from android_rpc.devices.tracker_device import RemoteDevice
    from android_rpc.session import open_session
    from android_rpc.tracker.tracker import Tracker

    with ExitStack() as stack:
        remote = device if isinstance(device, RemoteDevice) else None
        if remote is not None:
            endpoint = stack.enter_context(remote.serve())
        else:
            tracker = stack.enter_context(Tracker())
            endpoint = stack.enter_context(device.serve(tracker))

        @contextmanager
        def open_when_ready() -> Iterator[Session]:
            device.prepare()
            with open_session(*endpoint, timeout_s=timeout_s) as session:
                if remote is not None:
                    remote.settle(session)
                yield session

        yield open_when_ready
