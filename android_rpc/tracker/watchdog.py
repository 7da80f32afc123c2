"""Cuts a connection when the device never answers again.

TVM's client waits for the device without limit. When the time is up, the watchdog shuts the
connection down underneath it, and the call that waits fails.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Iterator

from depthbench.closing import Closing


class Watchdog(Closing):
    """Cuts this process's connections to (host, port) after `limit_s` seconds.

    `expired` says whether it did. Leaving the `with` block calls it off.
    """

    def __init__(self, host: str, port: int, limit_s: float) -> None:
        self._peer = (socket.gethostbyname(host), port)
        self._timer = threading.Timer(limit_s, self._expire)
        self._timer.daemon = True
        self.expired = False

    def __enter__(self) -> Watchdog:
        self._timer.start()
        return self

    def close(self) -> None:
        """Calls it off."""
        self._timer.cancel()
        self._timer.join()  # it may be at work: then it must not meet a later connection

    def _expire(self) -> None:
        self.expired = True
        self.cut()

    def cut(self) -> None:
        """Shuts the connections down now; both ends see them as closed."""
        for connection in self._connections():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def connected(self) -> bool:
        """Whether a connection is there that neither end has closed."""
        return any(map(_is_open, self._connections()))

    def _connections(self) -> Iterator[socket.socket]:
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            with contextlib.suppress(OSError):
                if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    continue
                with socket.socket(fileno=os.dup(descriptor)) as copy:
                    if copy.family == socket.AF_INET and copy.getpeername() == self._peer:
                        yield copy


def _is_open(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return True
    except OSError:
        return False
