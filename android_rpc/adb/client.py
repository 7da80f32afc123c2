"""Requests to a phone over its cable.

Through the `adb` program, one process a request. Its server, which adb starts itself when none
runs, is shared by all users of adb on a machine; it is left running, as adb does.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from depthbench.errors import DeviceError, RequestRefused, StorageFull, ToolMissing
from depthbench.one_line import one_line
from depthbench.processes import Finished, run_program

INSTALL = "sudo apt-get install adb"
REQUEST_S = 30.0
PUSH_S = 300.0
# adb passes on what the phone's C library calls this error, and not its number.
NO_SPACE = os.strerror(errno.ENOSPC)
_NO_ANSWER = partial(
    DeviceError, advice="plug the phone in again, or restart adb with `adb kill-server`"
)
# Below Android's and Linux's ranges of ports that are handed out at random.
PHONE_PORTS = range(20000, 30000)


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


class Adb:
    """The phone with serial number `serial`."""

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self._program = find_adb()

    def command(self, *words: str) -> list[str]:
        """The words of a command line that asks this phone."""
        return [self._program, "-s", self.serial, *words]

    def run(self, *words: str, timeout_s: float = REQUEST_S) -> str:
        """What `adb -s SERIAL WORDS...` prints; raises what `run_adb` raises."""
        return _run(self.command(*words), timeout_s, f"phone {self.serial}: adb {words[0]}")

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """What a script prints in the phone's shell; RequestRefused unless its exit code is 0."""
        # -n: it shall not read what is typed here
        return _run(self.command("shell", "-n", "-T", script), timeout_s, f"phone {self.serial}")

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """Copies files and folders, with their modes, into a folder of the phone."""
        self.run("push", *map(str, sources), f"{folder}/", timeout_s=PUSH_S)

    @property
    def connected(self) -> bool:
        """Whether the phone is there and answers."""
        try:
            return self.run("get-state").strip() == "device"
        except DeviceError:
            return False

    def add_rule(self, kind: str, port: int, leads_to: int) -> None:
        """A rule of `adb forward` or `adb reverse`; RequestRefused when the port has one."""
        self.run(kind, "--no-rebind", f"tcp:{port}", f"tcp:{leads_to}")

    def remove_rule(self, kind: str, listens: str, leads_to: str) -> None:
        """Removes a rule where it is just this one."""
        lines = self.run(kind, "--list").splitlines()
        mine = {"forward": [self.serial, listens, leads_to], "reverse": [listens, leads_to]}[kind]
        if any(line.split()[-len(mine) :] == mine for line in lines):
            self.run(kind, "--remove", listens)

    def remove_folder(self, folder: str) -> None:
        """Removes a folder of the phone, and ends the processes whose command line names it."""
        # in brackets, so that this very command does not name it
        name = f"{folder[:-1]}[{folder[-1]}]"
        self.shell(
            f"p=$(grep -l {name} /proc/[0-9]*/cmdline 2>/dev/null); "
            'for p in $p; do p=${p#/proc/}; kill -9 "${p%/cmdline}" 2>/dev/null; done; '
            f"rm -rf {name}"
        )


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
