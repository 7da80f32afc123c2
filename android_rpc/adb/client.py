"""Requests to a phone over its cable.

Through the `adb` program, one process a request. Its server, which adb starts itself when none
runs, is shared by all users of adb on a machine; it is left running, as adb does.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path, PurePosixPath

from android_rpc.adb.phone_number import ASK, by_network, lock_number, own_number
from android_rpc.transport import REQUEST_S, Transport
from depthbench.errors import DeviceError, RequestRefused, StorageFull, ToolMissing
from depthbench.one_line import one_line
from depthbench.processes import Finished, run_program
from depthbench.progress import Progress

INSTALL = "sudo apt-get install adb"
PUSH_S = 300.0
# adb passes on what the phone's C library calls this error, and not its number.
NO_SPACE = os.strerror(errno.ENOSPC)
_NO_ANSWER = partial(
    DeviceError, advice="plug the phone in again, or restart adb with `adb kill-server`"
)


def find_adb() -> str:
    """The path of the `adb` program, or ToolMissing with the command that installs it."""
    if found := shutil.which("adb"):
        return found
    raise ToolMissing("adb is not installed", advice=INSTALL)


def run_adb(*words: str, timeout_s: float = REQUEST_S) -> str:
    """What `adb WORDS...` prints; RequestRefused when it fails, DeviceError without an answer."""
    return _run((find_adb(), *words), timeout_s, f"adb {words[0]}")


def start_server() -> bool:
    """Starts adb's server if none runs; whether it had to be, and may not know all phones yet."""
    running = server_processes()
    run_adb("start-server")
    return not running


def server_processes() -> set[int]:
    """The numbers of the adb servers that run on this machine, as far as one can see them."""
    import psutil

    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if {"fork-server", "server"} <= set(process.info["cmdline"] or ())
    }


class Adb(Transport):
    """The phone with serial number `serial`."""

    noun = "phone"
    # the one folder that adb may write to and run programs from
    home = PurePosixPath("/data/local/tmp/depthbench")

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self.name = f"adb:{serial}"
        self._program = find_adb()

    def run(self, *words: str, timeout_s: float = REQUEST_S) -> str:
        """What `adb -s SERIAL WORDS...` prints; raises what `run_adb` raises."""
        return _run(self._words(*words), timeout_s, f"{self}: adb {words[0]}")

    def command(self, script: str) -> list[str]:
        """See `Transport.command`."""
        return self._words("shell", "-T", script)

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """See `Transport.shell`."""
        # -n: it shall not read what is typed here
        return _run(self._words("shell", "-n", "-T", script), timeout_s, str(self))

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """See `Transport.push`."""
        self.run("push", *map(str, sources), f"{folder}/", timeout_s=PUSH_S)

    @property
    def connected(self) -> bool:
        """See `Transport.connected`."""
        try:
            return self.run("get-state").strip() == "device"
        except DeviceError:
            return False

    def add_rule(self, kind: str, port: int, leads_to: int) -> None:
        """A rule of `adb forward` or `adb reverse`; see `Transport.add_rule`."""
        self.run(kind, "--no-rebind", f"tcp:{port}", f"tcp:{leads_to}")

    def remove_rule(self, kind: str, port: int, leads_to: int) -> None:
        """See `Transport.remove_rule`."""
        lines = self.run(kind, "--list").splitlines()
        rule = [f"tcp:{port}", f"tcp:{leads_to}"]
        mine = {"forward": [*self.serial.split(), *rule], "reverse": rule}[kind]
        if any(line.split()[-len(mine) :] == mine for line in lines):
            self.run(kind, "--remove", rule[0])

    def in_use(self, progress: Progress, wait_s: float) -> AbstractContextManager[None]:
        """See `Transport.in_use`; others may have another name for the same phone."""
        try:
            # on a cable a phone is called by its number
            told = self.shell(ASK) if by_network(self.serial) else self.serial
        except DeviceError:  # what the block does tells why
            return nullcontext()
        number = own_number(told)
        return lock_number(number, str(self), progress, wait_s) if number else nullcontext()

    @contextmanager
    def kept(self, model: str) -> Iterator[None]:
        """See `Transport.kept`; tells the loss of the phone from that of adb's own server."""
        servers = server_processes()
        try:
            yield
        except DeviceError as error:
            if servers - server_processes():
                raise DeviceError(
                    f"{self}: adb's server was ended meanwhile (by `adb kill-server`, or by an "
                    "adb of another version)",
                    advice="run again",
                ) from error
            if self.connected:
                raise
            raise DeviceError(
                f"{self} ({model}) is gone: unplugged, switched off or restarting",
                advice="plug it in and run again",
            ) from error

    def _words(self, *words: str) -> list[str]:
        return [self._program, "-s", self.serial, *words]


def _run(command: Sequence[str], timeout_s: float, where: str) -> str:
    done = run_program(command, "adb", failure=_NO_ANSWER, check=False, timeout_s=timeout_s)
    if done.exit_code:
        raise _refusal(where, done)
    return done.output


def _refusal(where: str, done: Finished) -> RequestRefused:
    """With the last line that tells of an error: what was done before it may be told after it."""
    errors = [line for line in (done.errors + done.output).splitlines() if "error: " in line]
    said = one_line(errors[-1]) if errors else done.reason
    if NO_SPACE in said:
        advice = "free some of its storage, and run again"
        return StorageFull(f"{where}: no space left on the phone", advice=advice)
    return RequestRefused(f"{where}: {said.removeprefix('adb: ').removeprefix('error: ')}")
