"""The tracker, where devices register and clients ask for them.

A TVM RPC tracker of our own, on the loopback interface unless told otherwise: whoever reaches a
tracker's devices can run code on them.
"""

from __future__ import annotations

import errno
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from android_rpc.tracker.tracker_client import TrackerClient
from depthbench.closing import Closing
from depthbench.errors import DeviceError, InputError
from depthbench.processes import ChildProcess, child_process

LOOPBACK = "127.0.0.1"
PROCESS = Path(__file__).with_name("tracker_process.py")


class Tracker(Closing):
    """A tracker process for the duration of a `with` block.

    The port is bound here, before the process starts: it accepts connections at once and answers
    them when the process is up, so that others can start at the same time. `port` 0 takes a free
    one; inside the block `host` and `port` are the numbers in use. Raises InputError, in one
    line, when the port is taken or the address is not of this machine.
    """

    def __init__(self, port: int = 0, host: str = LOOPBACK) -> None:
        self.host = host
        self.port = port
        self._wanted = (host, port)
        self._process: ChildProcess | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Tracker:
        with self._listen() as listener:
            self.host, self.port = listener.getsockname()
            # -P: the folder of the file, with this package's modules, stays off the path
            command = [sys.executable, "-P", str(PROCESS), str(listener.fileno())]
            self._process = self._stack.enter_context(
                child_process(command, pass_fds=[listener.fileno()])
            )
        return self

    def close(self) -> None:
        """Ends the tracker's process."""
        self._stack.close()
        self._process = None
        self.host, self.port = self._wanted

    @property
    def running(self) -> bool:
        """Whether the tracker's process is alive."""
        return self._process is not None and self._process.running

    @property
    def pid(self) -> int:
        """The tracker's process, which leads its own group."""
        if self._process is None:
            raise InputError("the tracker is used outside its `with` block")
        return self._process.pid

    def client(self, timeout_s: float = 30.0) -> TrackerClient:
        """A connection to this tracker, as soon as it answers.

        Raises DeviceError, with the reason, when its process ended or does not answer in time.
        """
        process = self._process
        if process is None:
            raise InputError("the tracker is used outside its `with` block")
        try:
            return TrackerClient(self.host, self.port, timeout_s)
        except DeviceError as error:
            _wait_briefly(process)
            if process.running:
                raise
            raise DeviceError(f"the tracker ended, {process.why_ended()}") from error

    def wait(self, timeout_s: float = 30.0) -> None:
        """Returns when the tracker answers (0.7 s after its start, mostly the import of TVM)."""
        with self.client(timeout_s) as client:
            client.ping()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(self._wanted)
            listener.listen(64)
        except (OSError, OverflowError) as error:
            listener.close()
            where = "tracker {}:{}".format(*self._wanted)
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                advice = "choose another one, or 0 for any free port"
                raise InputError(f"{where}: the port is in use", advice=advice) from error
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{where}: cannot listen there ({reason})") from error
        return listener


class TrackerElsewhere:
    """A tracker that runs already, here or on another machine.

    Raises InputError when nobody knows its host.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            self.host = socket.gethostbyname(host)
        except OSError as error:
            raise InputError(f"tracker {host}:{port}: no such host ({error.strerror})") from error
        self.port = port

    def client(self, timeout_s: float = 30.0) -> TrackerClient:
        """A connection to it; DeviceError when nothing answers as a tracker."""
        return TrackerClient(self.host, self.port, timeout_s)


AnyTracker = Tracker | TrackerElsewhere


def _wait_briefly(process: ChildProcess) -> None:
    """A process whose connection just broke is about to end."""
    deadline = time.monotonic() + 1.0
    while process.running and time.monotonic() < deadline:
        time.sleep(0.02)
