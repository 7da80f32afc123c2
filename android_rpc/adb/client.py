"""How is a phone spoken to over its cable?

Through the `adb` program, one process a request. Its server, which adb starts itself when none
runs, is shared by all users of adb on a machine; it is left running, as adb does.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from depthbench.errors import DeviceError, ToolMissing
from depthbench.one_line import one_line

INSTALL = "sudo apt-get install adb"
REQUEST_S = 30.0
PUSH_S = 300.0
# Below Android's and Linux's ranges of ports that are handed out at random.
PHONE_PORTS = range(20000, 30000)


def find_adb() -> str:
    """The path of the `adb` program, or ToolMissing with the command that installs it."""
    if found := shutil.which("adb"):
        return found
    raise ToolMissing(f"adb is not installed: {INSTALL}")


def run_adb(*words: str, timeout_s: float = REQUEST_S) -> str:
    """What `adb WORDS...` prints; DeviceError, in one line, when it fails or does not answer."""
    done = _run((find_adb(), *words), timeout_s)
    if done.returncode:
        raise DeviceError(f"adb {words[0]}: {_reason(done)}")
    return done.stdout


def start_server() -> bool:
    """Starts adb's server if none runs; whether it had to be, and may not know all phones yet."""
    done = _run((find_adb(), "start-server"), REQUEST_S)
    if done.returncode:
        raise DeviceError(f"adb start-server: {_reason(done)}")
    return "started" in done.stderr


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
        """What `adb -s SERIAL WORDS...` prints; DeviceError when it fails or does not answer."""
        done = _run(self.command(*words), timeout_s)
        if done.returncode:
            raise DeviceError(f"phone {self.serial}: adb {words[0]}: {_reason(done)}")
        return done.stdout

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """What a script prints in the phone's shell; DeviceError when its exit code is not 0."""
        # -n: it shall not read what is typed here
        done = _run(self.command("shell", "-n", "-T", script), timeout_s)
        if done.returncode:
            raise DeviceError(f"phone {self.serial}: {_reason(done)}")
        return done.stdout

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
        """A rule of `adb forward` or `adb reverse`; DeviceError when the port has one already."""
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


def _run(command: Sequence[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            start_new_session=True,  # Ctrl-C is for this process, which then cleans up
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"adb gave no answer in {timeout_s:g} s: plug the phone in again, or restart adb "
            "with `adb kill-server`"
        ) from error


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that tells of an error: what was done before it may be told after it."""
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    if not lines:
        return f"exit code {done.returncode}"
    errors = [line for line in lines if "error: " in line]
    said = one_line(errors[-1] if errors else done.stderr.strip() or done.stdout)
    if "No space left on device" in said:
        return "no space left on the phone: free some of its storage, and run again"
    return said.removeprefix("adb: ").removeprefix("error: ")
