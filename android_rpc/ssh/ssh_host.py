"""A board that ssh reaches."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from android_rpc.board.exclusive_use import exclusive_use
from android_rpc.board.home_folder import choose_home
from android_rpc.ssh import login_shell
from android_rpc.ssh.connection import FAILED, Connection
from android_rpc.transport import REQUEST_S, Transport, refused
from depthbench.errors import DeviceError, RequestRefused
from depthbench.one_line import one_line
from depthbench.processes import Finished, run_program
from depthbench.progress import Progress

PUSH_S = 300.0


class SshHost(Transport):
    """The board at `address`, over one connection, which is made when it is first asked."""

    noun = "board"

    def __init__(self, address: str) -> None:
        self.serial = address
        self.name = f"ssh:{address}"
        self._connection = Connection(address)
        self._rules: set[tuple[str, int, int]] = set()

    @cached_property
    def home(self) -> PurePosixPath:
        """See `Transport.home`; it is there."""
        return choose_home(self)

    @property
    def connected(self) -> bool:
        """See `Transport.connected`; a connection that was cut is made again."""
        try:
            self.shell("true")
        except DeviceError:
            return False
        return True

    def command(self, script: str) -> list[str]:
        """See `Transport.command`."""
        return self._connection.command(login_shell.as_command(script))

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """See `Transport.shell`."""
        command = self.command(login_shell.marked(script))
        return self._run(command, timeout_s).output

    def push(self, sources: Sequence[Path], folder: str) -> None:
        """See `Transport.push`; by `cat`, as not every board has sftp or tar."""
        for source in sources:
            target = shlex.quote(f"{folder}/{source.name}")
            mode = f"{source.stat().st_mode & 0o777:o}"
            command = self.command(f"cat > {target} && chmod {mode} {target}")
            self._run(command, PUSH_S, source)

    def add_rule(self, kind: str, port: int, leads_to: int) -> None:
        """See `Transport.add_rule`."""
        done = self._connection.control(
            "forward", *_rule(kind, port, leads_to), timeout_s=REQUEST_S
        )
        if done.exit_code:
            self._check_connection()
            raise RequestRefused(
                f"{self}: ssh -O forward: {one_line(done.errors)}",
                advice="its sshd may forbid it: AllowTcpForwarding in /etc/ssh/sshd_config",
            )
        self._rules.add((kind, port, leads_to))

    def remove_rule(self, kind: str, port: int, leads_to: int) -> None:
        """See `Transport.remove_rule`; those of another connection have ended with it."""
        if (kind, port, leads_to) in self._rules and self._connection.is_open:
            self._connection.control("cancel", *_rule(kind, port, leads_to), timeout_s=REQUEST_S)
        self._rules.discard((kind, port, leads_to))

    def in_use(self, progress: Progress, wait_s: float) -> AbstractContextManager[None]:
        """See `Transport.in_use`."""
        return exclusive_use(self, progress, wait_s)

    def close(self) -> None:
        """Ends the connection; the next request makes another."""
        self._connection.close()
        self._rules.clear()

    @property
    def unbroken(self) -> bool:
        """See `Transport.unbroken`; what ran on the board has ended with its connection."""
        return self._connection.is_open and self.connected

    def _run(
        self, command: Sequence[str], timeout_s: float, source: Path | None = None
    ) -> Finished:
        done = run_program(
            command, str(self), failure=DeviceError, check=False, timeout_s=timeout_s, source=source
        )
        if done.exit_code == FAILED:
            self._check_connection()
            # it says why first, and then that it made no connection of its own
            said = next(iter(done.errors.splitlines()), "")
            raise RequestRefused(
                f"{self}: {said}",
                advice="its sshd may allow too little: MaxSessions in /etc/ssh/sshd_config",
            )
        done = replace(done, output=login_shell.own_output(done.output))
        if done.exit_code:
            raise refused(self, done.reason)
        return done

    def _check_connection(self) -> None:
        if not self._connection.is_open:
            raise DeviceError(
                f"{self}: the connection was lost ({self._connection.why_ended()})",
                advice="see that it is up and in reach, and run again",
            )


def _rule(kind: str, port: int, leads_to: int) -> tuple[str, str]:
    option = {"forward": "-L", "reverse": "-R"}[kind]
    return option, f"127.0.0.1:{port}:127.0.0.1:{leads_to}"
