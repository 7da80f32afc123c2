"""The lock of a phone or board: one client at a time, and what a dead one left there is undone.

Two clients would disturb each other's figures. A client that was killed, or whose device was taken
away, cannot undo what it has made: then the next one does (see `undo_journal`). The kernel takes
the lock from a client that dies, so that what a living one has made is never touched.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import quote

from android_rpc.deployment.turn import wait_for_turn
from android_rpc.deployment.undo_journal import Step, UndoJournal
from android_rpc.transport import PORTS, Transport
from depthbench.errors import DeviceError, RequestRefused
from depthbench.files import cache_folder, make_folder
from depthbench.progress import Progress

PORT_TRIES = 5
WAIT_S = 900.0


@contextmanager
def lock_device(
    transport: Transport, progress: Progress = lambda line: None, wait_s: float = WAIT_S
) -> Iterator[DeviceLock]:
    """The device for the length of a block, with nothing left on it of clients that are dead.

    Waits for a client that measures on it now; DeviceError when that takes longer than `wait_s`.
    """
    from filelock import lock_descriptor

    folder = cache_folder() / "devices"
    make_folder(folder)
    with (folder / quote(transport.name, safe="")).open("a+") as file:
        journal = UndoJournal(file)
        wait_for_turn(
            lambda: lock_descriptor(file.fileno(), blocking=False),
            lambda: f"process {journal.client()} measures on {transport}",
            progress,
            wait_s,
        )
        lock = DeviceLock(transport, journal)
        lock.undo_all()
        with transport.in_use(progress, wait_s):
            yield lock


class DeviceLock:
    """The right to use a device, and what has been made on it; see `lock_device`."""

    def __init__(self, transport: Transport, journal: UndoJournal) -> None:
        self.transport = transport
        self._journal = journal

    @contextmanager
    def reverse(self, host_port: int) -> Iterator[int]:
        """The port of the device's loopback by which it reaches `host_port` here, for a block."""
        with self._rule("reverse", lambda: random.choice(PORTS), host_port) as port:
            yield port

    @contextmanager
    def forward(self, device_port: int) -> Iterator[int]:
        """The port of this machine's loopback that leads to `device_port`, for a block."""
        with self._rule("forward", _free_port, device_port) as port:
            yield port

    @contextmanager
    def folder(self, path: PurePosixPath) -> Iterator[PurePosixPath]:
        """A new folder there; after the block it is gone, and so are all whose command names it."""
        step = "folder", str(path)
        self._journal.begin(step)
        try:
            self.transport.shell(f"mkdir -p {path}")
            yield path
        finally:
            self._undo(step)

    def undo_all(self) -> None:
        """Undoes what the journal says is pending, as far as the device can be reached."""
        for step in self._journal.pending():
            self._undo(step)
        self._journal.start(os.getpid())

    @contextmanager
    def _rule(self, kind: str, draw: Callable[[], int], leads_to: int) -> Iterator[int]:
        if self.transport.shares_loopback:
            yield leads_to
            return
        port = self._make_rule(kind, draw, leads_to)
        try:
            yield port
        finally:
            self._undo(_rule_step(kind, port, leads_to))

    def _make_rule(self, kind: str, draw: Callable[[], int], leads_to: int) -> int:
        for left in reversed(range(PORT_TRIES)):
            port = draw()
            step = _rule_step(kind, port, leads_to)
            self._journal.begin(step)
            try:
                self.transport.add_rule(kind, port, leads_to)
                return port
            except RequestRefused:
                self._journal.undone(step)  # a rule that is there is another's
                if not left or not self.transport.connected:
                    raise
            except BaseException:
                self._undo(step)
                raise
        raise AssertionError("the last try returns or raises")

    def _undo(self, step: Step) -> None:
        kind, *words = step
        try:
            if kind == "folder":
                self.transport.remove_folder(words[0])
            else:
                self.transport.remove_rule(kind, *map(int, words))
        except DeviceError:
            return  # the device is gone
        self._journal.undone(step)


def _rule_step(kind: str, port: int, leads_to: int) -> Step:
    return kind, str(port), str(leads_to)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
