"""The lease of one of a tracker's devices.

Many devices may have one key. A lease gets whichever is free and from then on that one alone, so
that the sessions of one measurement are with one device. Between them our server holds the device
for us; with TVM's own, others may come in between, and the lease waits for its device's turn.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from android_rpc.tracker.tracker_client import TrackerClient
from android_rpc.tracker.watchdog import Watchdog
from depthbench.errors import ConnectionLost, DeviceError
from depthbench.one_line import one_line

CONNECT_S = 30.0
RETRY_S = 0.2
RETRY_AT_MOST_S = 2.0
# How long the device is kept for the next session, and a device that is gone is waited for.
HOLD_S = 5.0
TAKEN_S = 3600.0
GONE_S = 10.0


class Address(NamedTuple):
    """Where a device's server listens."""

    host: str
    port: int


class DeviceLease:
    """A device that the tracker at `host:port` lists under `key`: any, until one was got.

    `address` is that of the device that was got, and `about` what its server says of it. `hold`
    asks the server to keep the device for the next session of this lease.
    """

    def __init__(self, host: str, port: int, key: str, hold: bool = False) -> None:
        self._tracker = host, port
        self._key = key
        self._hold = hold
        self._match_key: str | None = None
        self._opened: tuple[Address, float, Any] | None = None
        self._ours = False
        self.address: Address | None = None
        self.about: dict[str, Any] = {}

    def take(self, wait_s: float, while_waiting: Callable[[], None] = lambda: None) -> None:
        """Gets a device that is free, in a session that is kept for the first `connect`.

        So nobody else gets it, however long that is in coming. Raises DeviceError when none is
        free in `wait_s` seconds; what `while_waiting` raises, which is called every second, ends
        the waiting.
        """
        self._request(wait_s, wait_s, while_waiting)
        self._opened = self.connect(TAKEN_S, CONNECT_S)

    def connect(self, timeout_s: float, wait_s: float) -> tuple[Address, float, Any]:
        """The device's address, the time at which its session began, and TVM's connection.

        Raises DeviceError when there is no connection in `wait_s` seconds, or when the device
        that was got is no longer at the tracker.
        """
        if self._opened is not None:
            opened, self._opened = self._opened, None
            return opened
        started = time.monotonic()
        while True:
            left = wait_s - (time.monotonic() - started)
            if self._match_key is None:
                self._request_again(left, wait_s)
            address, match_key, self._match_key = self.address, self._match_key, None
            assert address is not None
            assert match_key is not None
            begun = time.monotonic()
            try:
                connection = _open(address, match_key, timeout_s, self._hold)
            except Exception as error:
                if not self._ours:
                    self.address = None
                # It may have withdrawn its offer, or have died; the tracker soon knows better.
                if time.monotonic() - started + RETRY_S > wait_s:
                    said = f"device {self._key}: no connection: {one_line(error)}"
                    raise ConnectionLost(said, "connecting") from error
                time.sleep(RETRY_S)
                continue
            self._ours = True
            if self._hold:
                self._match_key = match_key
            return address, begun, connection

    def release(self) -> None:
        """Lets others have the device at once; it may be called again, and never raises."""
        opened, self._opened = self._opened, None
        if opened is not None:
            with contextlib.suppress(Exception):
                _close(opened[2])
        address, match_key, self._match_key = self.address, self._match_key, None
        if address is not None and match_key is not None:
            with contextlib.suppress(Exception):
                _close(_open(address, match_key, CONNECT_S, hold=False))

    def _request(
        self, left: float, wait_s: float, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        host, port = self._tracker
        deadline = time.monotonic() + left
        with TrackerClient(host, port, min(_left(deadline), CONNECT_S)) as client:
            try:
                granted = client.request(self._key, _left(deadline), while_waiting)
            except TimeoutError:
                raise self._not_free(wait_s) from None
        self.address, self._match_key = Address(*granted[:2]), granted[2]
        with TrackerClient(host, port) as client:
            self.about = client.servers(self._key).get(self.address, {})

    def _request_again(self, left: float, wait_s: float) -> None:
        """Gets the device that is ours once more; where none is yet, any that is free."""
        wanted, about = self.address, self.about
        if wanted is None:
            return self._request(left, wait_s)
        deadline = time.monotonic() + left
        seen = time.monotonic()
        pause = RETRY_S
        while True:
            with TrackerClient(*self._tracker) as client:
                there = wanted in client.servers(self._key)
            now = time.monotonic()
            seen = now if there else seen
            if now > seen + min(GONE_S, wait_s):
                name = about.get("name", f"{wanted.host}:{wanted.port}")
                raise DeviceError(f"device {self._key}: {name} has left the tracker")
            if now > deadline:
                raise self._not_free(wait_s)
            if there:
                self._request(deadline - now, wait_s)
                if self.address == wanted:
                    return None
                # The tracker hands devices out in turn: the one that is ours will come up.
                self.release()
                self.address, self.about = wanted, about
            time.sleep(pause)
            pause = min(1.5 * pause, RETRY_AT_MOST_S)

    def _not_free(self, wait_s: float) -> DeviceError:
        host, port = self._tracker
        with TrackerClient(host, port) as client:
            state = "is busy" if client.serves(self._key) else "is not registered"
        return DeviceError(
            f"tracker {host}:{port}: device {self._key} {state} (waited {wait_s:g} s)"
        )


def _open(address: Address, match_key: str, timeout_s: float, hold: bool) -> Any:
    from tvm import rpc

    with Watchdog(*address, CONNECT_S):
        # TVM's own server passes over options that it does not know.
        key = f"{match_key} -hold={HOLD_S:g}" if hold else match_key
        return rpc.connect(*address, key, timeout_s)


def _close(connection: Any) -> None:
    connection._sess["CloseRPCConnection"]()


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.1)
