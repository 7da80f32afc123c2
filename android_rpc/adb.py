"""How is a phone spoken to over its cable?

Through the `adb` program, one process a request. Its server, which adb starts itself when none
runs, is shared by all users of adb on a machine; it is left running, as adb does.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from android_rpc.errors import DeviceError, ToolMissing
from android_rpc.one_line import one_line

INSTALL = "sudo apt-get install adb"
REQUEST_S = 30.0
PUSH_S = 300.0
PORT_TRIES = 5
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

    @contextlib.contextmanager
    def reverse(self, host_port: int) -> Iterator[int]:
        """The port of the phone's loopback by which it reaches `host_port` here, for a block."""

        def add(phone_port: int) -> tuple[str, str, str]:
            return "reverse", f"tcp:{phone_port}", f"tcp:{host_port}"

        with self._rule(lambda: random.choice(PHONE_PORTS), add) as port:
            yield port

    @contextlib.contextmanager
    def forward(self, phone_port: int) -> Iterator[int]:
        """The port of this machine's loopback that leads to `phone_port`, for a block."""

        def add(host_port: int) -> tuple[str, str, str]:
            return "forward", f"tcp:{host_port}", f"tcp:{phone_port}"

        with self._rule(_free_port, add) as port:
            yield port

    @contextlib.contextmanager
    def _rule(
        self, draw: Callable[[], int], words: Callable[[int], tuple[str, str, str]]
    ) -> Iterator[int]:
        # The port is chosen here, and its removal arranged before the rule is made: an
        # interruption at any moment leaves nothing behind, and no rule of others is replaced.
        port = draw()
        rule = words(port)
        try:
            for left in reversed(range(PORT_TRIES)):
                try:
                    self.run(rule[0], "--no-rebind", *rule[1:])
                    break
                except DeviceError as error:
                    if not left or "bind" not in str(error):
                        raise
                port = draw()
                rule = words(port)
            yield port
        finally:
            insist(lambda: self._remove(rule))

    def _remove(self, rule: tuple[str, str, str]) -> None:
        kind, listens, leads_to = rule
        with contextlib.suppress(DeviceError):  # the phone is gone, and its rules with it
            lines = self.run(kind, "--list").splitlines()
            mine = {"forward": [self.serial, listens, leads_to], "reverse": [listens, leads_to]}
            if any(line.split()[-len(mine[kind]) :] == mine[kind] for line in lines):
                self.run(kind, "--remove", listens)


def insist(clean_up: Callable[[], object]) -> None:
    """Cleans up, once more from the start if Ctrl-C comes meanwhile, which then goes on."""
    try:
        clean_up()
    except KeyboardInterrupt:
        clean_up()
        raise


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
    return said.removeprefix("adb: ").removeprefix("error: ")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
