"""Whose turn is it on a phone, and what did the client before leave there?

One client at a time: two would disturb each other's figures. What a client makes that may outlast
it (rules of adb, a folder on the phone with what runs in it) it writes down before making it, and
strikes out when it is undone. A client that was killed, or whose phone was taken away, cannot undo
it: then the next one does. The kernel takes the lock from a client that dies, so that what a
living one owns is never touched.
"""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TextIO
from urllib.parse import quote

from android_rpc.adb.client import PHONE_PORTS, Adb
from depthbench import cancellation
from depthbench.errors import DeviceError, RequestRefused
from depthbench.files import cache_folder
from depthbench.progress import Progress

PORT_TRIES = 5
WAIT_S = 900.0
CHECK_S = 0.2
# What is owed, as words: `forward tcp:1 tcp:2`, `reverse tcp:3 tcp:4`, `folder /data/...`.
Debt = tuple[str, ...]


@contextmanager
def lock_phone(
    adb: Adb, progress: Progress = lambda line: None, wait_s: float = WAIT_S
) -> Iterator[PhoneLock]:
    """The phone for the length of a block, with nothing left on it of clients that are dead.

    Waits for a client that measures on it now; DeviceError when that takes longer than `wait_s`.
    """
    folder = cache_folder() / "phones"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / quote(adb.serial, safe="")).open("a+") as ledger:
        _wait_for_turn(ledger, adb.serial, progress, wait_s)
        lock = PhoneLock(adb, ledger)
        lock.settle_all()
        yield lock


class PhoneLock:
    """The right to use a phone, and the list of what is to be undone; see `lock_phone`."""

    def __init__(self, adb: Adb, ledger: TextIO) -> None:
        self.adb = adb
        self._ledger = ledger

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
        with self._owing(("folder", str(path))):
            self.adb.shell(f"mkdir -p {path}")
            yield path

    def settle_all(self) -> None:
        """Undoes what the ledger says is owed, as far as the phone can be reached."""
        for debt in _owed(self._ledger):
            self._settle(debt)
        lines = [("owed", *debt) for debt in reversed(_owed(self._ledger))]
        lines.append(("client", str(os.getpid())))
        self._ledger.truncate(0)
        self._ledger.write("".join(f"{' '.join(words)}\n" for words in lines))
        self._ledger.flush()

    @contextmanager
    def _rule(self, kind: str, draw: Callable[[], int], leads_to: int) -> Iterator[int]:
        port = self._make_rule(kind, draw, leads_to)
        try:
            yield port
        finally:
            self._settle(_rule_debt(kind, port, leads_to))

    def _make_rule(self, kind: str, draw: Callable[[], int], leads_to: int) -> int:
        for left in reversed(range(PORT_TRIES)):
            port = draw()
            debt = _rule_debt(kind, port, leads_to)
            self._write("owed", *debt)
            try:
                self.adb.add_rule(kind, port, leads_to)
                return port
            except RequestRefused:
                self._write("settled", *debt)  # a rule that is there is another's
                if not left or not self.adb.connected:
                    raise
            except BaseException:
                self._settle(debt)
                raise
        raise AssertionError("the last try returns or raises")

    @contextmanager
    def _owing(self, debt: Debt) -> Iterator[None]:
        self._write("owed", *debt)
        try:
            yield
        finally:
            self._settle(debt)

    def _settle(self, debt: Debt) -> None:
        kind, *words = debt
        try:
            if kind == "folder":
                self.adb.remove_folder(words[0])
            else:
                self.adb.remove_rule(kind, *words)
        except DeviceError:
            return  # the phone is gone
        self._write("settled", *debt)

    def _write(self, *words: str) -> None:
        self._ledger.write(" ".join(words) + "\n")
        self._ledger.flush()


def _rule_debt(kind: str, port: int, leads_to: int) -> Debt:
    return kind, f"tcp:{port}", f"tcp:{leads_to}"


def _wait_for_turn(ledger: TextIO, serial: str, progress: Progress, wait_s: float) -> None:
    from filelock import lock_descriptor

    started = time.monotonic()
    while True:
        cancellation.check()
        if lock_descriptor(ledger.fileno(), blocking=False):
            return
        waited = time.monotonic() - started
        client = f"process {_client(ledger)} measures on phone {serial}"
        if waited > wait_s:
            raise DeviceError(f"{client} since {waited:.0f} s: wait for it, or end it")
        progress(f"{client}: waiting for it, {waited:.0f} s")
        time.sleep(CHECK_S)


def _lines(ledger: TextIO) -> list[list[str]]:
    """Its whole lines, as words; a client that was killed may leave half a line."""
    ledger.seek(0)
    return [line.split() for line in ledger.read().splitlines(True) if line.endswith("\n")]


def _client(ledger: TextIO) -> str:
    return next((words[1] for words in reversed(_lines(ledger)) if words[0] == "client"), "?")


def _owed(ledger: TextIO) -> list[Debt]:
    """The debts that are not settled, the youngest first."""
    owed: list[Debt] = []
    for word, *debt in _lines(ledger):
        if word == "owed":
            owed.append(tuple(debt))
        elif word == "settled" and tuple(debt) in owed:
            owed.remove(tuple(debt))
    return owed[::-1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
