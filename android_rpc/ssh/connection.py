"""One connection to a board, which all requests share: the user's own OpenSSH, as its master.

Who the board is and how one gets in are the user's settings (~/.ssh/config, known_hosts, agent).
What is typed here is never read: where a password would be asked for, the connection fails. It
ends with its input, so also when this process is killed.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from android_rpc.ssh.refusals import refusal
from depthbench import cancellation
from depthbench.closing import Closing
from depthbench.errors import DeviceError, ToolMissing
from depthbench.processes import ChildProcess, Finished, run_program

INSTALL = "sudo apt-get install openssh-client"
CONNECT_S = 10
# A board that answers nothing for this long is gone: as many questions, so far apart.
ALIVE_S, ALIVE_COUNT = 5, 3
OPEN_S = 60.0
CHECK_S = 0.02
# ssh wants a place; where it is, the connection knows.
PLACE = "board"
FAILED = 255
"""The exit code of ssh when not the command that it runs there has failed, but ssh itself."""
OPTIONS = {
    "BatchMode": "yes",
    "ConnectTimeout": CONNECT_S,
    "ServerAliveInterval": ALIVE_S,
    "ServerAliveCountMax": ALIVE_COUNT,
    # errors are told, nothing else
    "LogLevel": "ERROR",
    # what a user may have set for typing there
    "ControlPersist": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "EscapeChar": "none",
}
# Removes the socket's folder also when nobody else is left to do it.
THEN_REMOVE = '"$@"; code=$?; rm -rf "$0"; exit $code'


class Connection(Closing):
    """A connection to the board at `address`, opened when it is first used.

    Raises ToolMissing where there is no ssh.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._program = find_ssh()
        self._lock = threading.RLock()
        self._master: ChildProcess | None = None
        self._folder: Path | None = None
        self._undo: Callable[[], object] = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether it has been opened and has not ended."""
        return self._master is not None and self._master.running

    def open(self) -> None:
        """Connects, unless it is connected; DeviceError with ssh's reason when that fails."""
        with self._lock:
            if self.is_open:
                return
            self.close()
            self._start()
            try:
                self._wait_until_open()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Ends the connection and all that runs through it."""
        with self._lock:
            self._undo()
            self._master = self._folder = None

    def command(self, line: str) -> list[str]:
        """The words of a local process that has the board's login shell run `line`."""
        self.open()
        return [*self._through(), "-T", PLACE, line]

    def control(self, request: str, *words: str, timeout_s: float) -> Finished:
        """What the connection answers to `ssh -O REQUEST`; it is not opened for that."""
        command = [*self._through(), "-O", request, *words, PLACE]
        return run_program(command, "ssh", failure=DeviceError, check=False, timeout_s=timeout_s)

    def _through(self) -> list[str]:
        """Of the user's settings none: they are the connection's, which is not opened anew."""
        words = [self._program, "-F", "none", "-S", str(self._socket), "-o", "ControlMaster=no"]
        return [*words, "-o", "ProxyCommand=false"]

    @property
    def _socket(self) -> Path:
        assert self._folder is not None
        return self._folder / "ssh"

    def _start(self) -> None:
        # a socket's path is short, whatever $TMPDIR says
        self._folder = Path(tempfile.mkdtemp(prefix="depthbench-ssh-", dir="/tmp"))
        options = [word for name, value in OPTIONS.items() for word in ("-o", f"{name}={value}")]
        words = [self._program, "-M", "-S", str(self._socket), "-a", "-x", "-T", *options]
        # `cat` is there until its input closes
        words += [f"ssh://{self.address}", "exec cat"]
        self._master = ChildProcess(["sh", "-c", THEN_REMOVE, str(self._folder), *words])
        self._undo = weakref.finalize(self, _end, self._master, self._folder)

    def _wait_until_open(self) -> None:
        assert self._master is not None
        deadline = time.monotonic() + OPEN_S
        while not self._socket.exists():
            cancellation.check()
            if not self._master.running:
                raise refusal(self.address, self._master.log())
            if time.monotonic() > deadline:
                raise DeviceError(f"board {self.address}: ssh did not connect in {OPEN_S:g} s")
            time.sleep(CHECK_S)

    def why_ended(self) -> str:
        """What ssh wrote last, of a connection that has ended."""
        return self._master.why_ended() if self._master is not None else "not connected"


def find_ssh() -> str:
    """The path of the `ssh` program, or ToolMissing with the command that installs it."""
    if found := shutil.which("ssh"):
        return found
    raise ToolMissing("ssh is not installed", advice=INSTALL)


def _end(master: ChildProcess, folder: Path) -> None:
    master.end()
    shutil.rmtree(folder, ignore_errors=True)
