"""Calls on a device, whose failures become errors of one line."""

from __future__ import annotations

import contextlib
import errno
import re
import time
from collections.abc import Iterator
from typing import Any

from android_rpc.tracker.watchdog import Watchdog
from depthbench.errors import ConnectionLost, DeviceError, InputError
from depthbench.one_line import one_line

# The server ends a session at its limit; this much later it is the device that is gone.
GRACE_S = 5.0
# How our server and Python's write the number of an error of the operating system.
ERRNO = re.compile(r"\[Errno (\d+)\]")
# The C++ class that allocations throw; TVM passes its name on.
OUT_OF_MEMORY = "std::bad_alloc"


class RemoteCalls:
    """Calls on a device through TVM's `connection`, which `watchdog` can cut.

    `name` is the device's, for errors; the session began at `started` (time.monotonic) and lasts
    at most `timeout_s` seconds.
    """

    def __init__(
        self, connection: Any, watchdog: Watchdog, name: str, started: float, timeout_s: float
    ) -> None:
        self._connection = connection
        self._watchdog = watchdog
        self._name = name
        self._started = started
        self._timeout_s = timeout_s

    def cut(self) -> None:
        """Ends the session from another thread, whatever it is doing: that then fails."""
        self._watchdog.cut()

    def function(self, name: str) -> Any:
        """A global function of the device."""
        return self._connection.get_function(name)

    @contextlib.contextmanager
    def remote(self, what: str, hint: str = "") -> Iterator[None]:
        """Turns any failure of the calls in the block into a DeviceError of one line."""
        try:
            yield
        except (InputError, DeviceError):
            raise
        except Exception as error:
            raise self._failure(error, what, hint) from error

    def _failure(self, error: Exception, what: str, hint: str) -> DeviceError:
        where = f"{self._name}: {what}"
        if self._watchdog.expired:
            return DeviceError(
                f"{where}: no answer; gave up after {self._timeout_s + GRACE_S:g} s",
                advice="restart the device, and run again",
            )
        if time.monotonic() - self._started >= self._timeout_s:
            return DeviceError(
                f"{where}: the session reached its limit of {self._timeout_s:g} s: "
                "the model needs more, or never ends"
            )
        if not self._watchdog.connected:
            closed = "the device closed the connection (the model crashed, or the device is gone)"
            return ConnectionLost(f"{where}: {closed}{hint}", what)
        text = str(error)
        if (number := ERRNO.search(text)) and int(number[1]) == errno.ENOSPC:
            advice = "free some of its storage, and run again"
            return DeviceError(f"{where}: no space left on the device", advice=advice)
        if OUT_OF_MEMORY in text:
            advice = "close apps on it, and run again"
            return DeviceError(f"{where}: the device is out of memory", advice=advice)
        return DeviceError(f"{where}: {one_line(error)}{hint}")
