"""The lock of a phone: one client at a time, and what a dead one left there is undone.

Two clients would disturb each other's figures. A client that was killed, or whose phone was taken
away, cannot undo what it has made: then the next one does (see `undo_journal`). The kernel takes
the lock from a client that dies, so that what a living one has made is never touched.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import quote

from android_rpc.adb.client import PHONE_PORTS, Adb
from android_rpc.adb.undo_journal import Step, UndoJournal
from depthbench import cancellation
from depthbench.errors import DeviceError, RequestRefused
from depthbench.files import cache_folder
from depthbench.progress import Progress

PORT_TRIES = 5
WAIT_S = 900.0
CHECK_S = 0.2


@contextmanager
def lock_phone(
    adb: Adb, progress: Progress = lambda line: None, wait_s: float = WAIT_S
) -> Iterator[PhoneLock]:
    """The phone for the length of a block, with nothing left on it of clients that are dead.

    Waits for a client that measures on it now; DeviceError when that takes longer than `wait_s`.
    """
    folder = cache_folder() / "phones"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / quote(adb.serial, safe="")).open("a+") as file:
        journal = UndoJournal(file)
        _wait_for_turn(file.fileno(), journal, adb.serial, progress, wait_s)
        lock = PhoneLock(adb, journal)
        lock.undo_all()
        yield lock


class PhoneLock:
    """The right to use a phone, and what has been made on it; see `lock_phone`."""

    def __init__(self, adb: Adb, journal: UndoJournal) -> None:
        self.adb = adb
        self._journal = journal

    @contextmanager
    def reverse(self, host_port: int) -> Iterator[int]:
        """The port of the phone's loopback by which it reaches `host_port` here, for a block."""
        with self._rule("reverse", lambda: random.choice(PHONE_PORTS), host_port) as port:
            yield port

    @contextmanager
    def forward(self, phone_port: int) -> Iterator[int]:
        """The port of this machine's loopback that leads to `phone_port`, for a block."""
        with self._rule("forward", _free_port, phone_port) as port:
            yield port

    @contextmanager
    def folder(self, path: PurePosixPath) -> Iterator[PurePosixPath]:
        """A new folder on the phone; after the block it is gone, and all whose command names it."""
        step = "folder", str(path)
        self._journal.begin(step)
        try:
            self.adb.shell(f"mkdir -p {path}")
            yield path
        finally:
            self._undo(step)

    def undo_all(self) -> None:
        """Undoes what the journal says is pending, as far as the phone can be reached."""
        for step in self._journal.pending():
            self._undo(step)
        self._journal.start(os.getpid())

    @contextmanager
    def _rule(self, kind: str, draw: Callable[[], int], leads_to: int) -> Iterator[int]:
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
                self.adb.add_rule(kind, port, leads_to)
                return port
            except RequestRefused:
                self._journal.undone(step)  # a rule that is there is another's
                if not left or not self.adb.connected:
                    raise
            except BaseException:
                self._undo(step)
                raise
        raise AssertionError("the last try returns or raises")

    def _undo(self, step: Step) -> None:
        kind, *words = step
        try:
            if kind == "folder":
                self.adb.remove_folder(words[0])
            else:
                self.adb.remove_rule(kind, *words)
        except DeviceError:
            return  # the phone is gone
        self._journal.undone(step)


def _rule_step(kind: str, port: int, leads_to: int) -> Step:
    return kind, f"tcp:{port}", f"tcp:{leads_to}"


def _wait_for_turn(
    descriptor: int, journal: UndoJournal, serial: str, progress: Progress, wait_s: float
) -> None:
    from filelock import lock_descriptor

    started = time.monotonic()
    while not lock_descriptor(descriptor, blocking=False):
        cancellation.check()
        waited = time.monotonic() - started
        client = f"process {journal.client()} measures on phone {serial}"
        if waited > wait_s:
            raise DeviceError(f"{client} since {waited:.0f} s", advice="wait for it, or end it")
        progress(f"{client}: waiting for it, {waited:.0f} s")
        time.sleep(CHECK_S)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
