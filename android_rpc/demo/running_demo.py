"""A demo's server that runs: where its page is, and what it tells."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess

START_S = 60.0
PORT_TAKEN = 4  # the exit code of server/server.c
MAX_LINE = 4 << 20
CHUNK = 1 << 16


class RunningDemo:
    """The server that `child` runs and that talks on `channel`; `name` is what it is called."""

    def __init__(self, child: ChildProcess, channel: socket.socket, name: str) -> None:
        self._child = child
        self._channel = channel
        self._name = name
        self._received = b""
        self.url = ""

    def next_event(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, {"event": NAME, ...}; None when there is none within so many seconds.

        `record` has the `record` of a benchmark that was kept, with `package`, `threads` and
        `cpus`; `browser` tells whether one is `here`. Raises DeviceError when the server has ended.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._received:
            self._channel.settimeout(max(deadline - time.monotonic(), 1e-3))
            try:
                chunk = self._channel.recv(CHUNK)
            except TimeoutError:
                return None
            if not chunk or len(self._received) > MAX_LINE:
                raise DeviceError(f"{self._name}: the demo's server ended, {self._why_ended()}")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        try:
            event = json.loads(line)
            event["event"]
        except (ValueError, TypeError, KeyError) as error:
            raise DeviceError(f"{self._name}: the demo's server says {line[:80]!r}") from error
        return dict(event)

    @property
    def exit_code(self) -> int | None:
        """How the server ended; None while it runs."""
        return self._child.exit_code

    def log(self) -> str:
        """The last lines that the server wrote for people."""
        return self._child.log()

    def _why_ended(self) -> str:
        self._child.wait(1.0)  # it closes its output a moment before it ends
        return self._child.why_ended()


@contextmanager
def run_demo(
    command: Sequence[str],
    name: str,
    environment: Mapping[str, str] | None = None,
    port_here: int | None = None,
) -> Iterator[RunningDemo | None]:
    """Runs the server that `command` starts, for a block; None where its port was taken.

    Browsers of this machine find it at `port_here`, by default at its own port. Raises DeviceError
    when it does not come up.
    """
    channel, theirs = socket.socketpair()
    with channel:
        with theirs:
            child = ChildProcess(command, environment, talks_on=theirs)
        try:
            demo = RunningDemo(child, channel, name)
            yield demo if _wait_until_ready(demo, name, port_here) else None
        finally:
            channel.close()
            child.end()


def _wait_until_ready(demo: RunningDemo, name: str, port_here: int | None) -> bool:
    try:
        ready = demo.next_event(START_S)
    except DeviceError:
        if demo.exit_code == PORT_TAKEN:
            return False
        raise
    if ready is None or ready["event"] != "ready":
        raise DeviceError(f"{name}: the demo's server did not start in {START_S:g} s")
    demo.url = f"http://localhost:{port_here or ready['port']}/{ready['token']}/"
    return True
