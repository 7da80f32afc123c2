"""How is a process started so that it always ends?

Every child gets a session of its own, and its standard input is a pipe that only this process
holds: the programs of this package end when it closes. So they end with a context manager, on an
exception, on Ctrl-C, and also when this process is killed and can do nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

from depthbench.one_line import one_line

LEAVE_S = 3.0
LOG_TAIL = 4096


class ChildProcess:
    """A running program that ends when its standard input closes."""

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        # closed in `end`, which every way out leads to
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="depthbench-log-")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                env=environment,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except BaseException:
            self._log.close()
            raise

    @property
    def pid(self) -> int:
        """The process, which leads its own group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once the program has ended, for whatever reason."""
        return self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """How the program ended: below 0 by that signal; None while it runs."""
        return self._process.poll()

    def log(self) -> str:
        """The last lines that the program wrote to its standard error."""
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), LOG_TAIL, max(0, size - LOG_TAIL))
        return tail.decode(errors="replace")

    def why_ended(self) -> str:
        """How the program ended and the last line that it wrote."""
        code = self.exit_code
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"{how}: {one_line(self.log())}"

    def end(self) -> None:
        """Closes the program's input, waits a little, and kills what is left of its group."""
        try:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVE_S)
        finally:  # also when a second Ctrl-C comes during the wait
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._log.close()


@contextlib.contextmanager
def child_process(
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[ChildProcess]:
    """Runs `command` for the duration of the block; raises OSError if it cannot be started."""
    child = ChildProcess(command, environment, pass_fds)
    try:
        yield child
    finally:
        child.end()
