"""Child processes that always end: with their block, on an exception, on Ctrl-C.

Each gets a session of its own, and one that does not end is killed with its group. The standard
input of a `child_process` is a pipe that only this process holds: the programs of this package
end when it closes, also when this process is killed and can do nothing any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from depthbench.errors import ToolMissing
from depthbench.one_line import one_line

LEAVE_S = 3.0
LOG_TAIL = 4096


class ChildProcess:
    """A running program that ends when its standard input closes.

    That and its standard output are the socket `talks_on`, where one is given: whoever holds its
    other end closes that before `end`.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        leave_s: float | None = None,
        talks_on: socket.socket | None = None,
    ) -> None:
        self._leave_s = LEAVE_S if leave_s is None else leave_s
        talk = None if talks_on is None else talks_on.fileno()
        # closed in `end`, which every way out leads to
        self._log: IO[bytes] = tempfile.TemporaryFile(prefix="depthbench-log-")  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if talk is None else talk,
                stdout=subprocess.DEVNULL if talk is None else talk,
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

    def write(self, text: str) -> None:
        """Writes to the program's standard input; to no avail where it has ended."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(text.encode())
                self._process.stdin.flush()

    def close_input(self) -> None:
        """Asks the program to end, by closing its input."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def wait(self, timeout_s: float) -> bool:
        """Whether the program has ended within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(timeout_s, 0.0))
        return not self.running

    def end(self) -> None:
        """Closes the program's input, waits a little, and kills what is left of its group."""
        try:
            self.close_input()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._leave_s)
        finally:  # also when a second Ctrl-C comes during the wait
            _kill_group(self._process)
            self._log.close()


@contextlib.contextmanager
def child_process(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    leave_s: float | None = None,
) -> Iterator[ChildProcess]:
    """Runs `command` for the duration of the block; raises OSError if it cannot be started.

    Once its input is closed the program has `leave_s` seconds to end by itself (default 3).
    """
    child = ChildProcess(command, environment, pass_fds, leave_s)
    try:
        yield child
    finally:
        child.end()


@dataclass(frozen=True)
class Finished:
    """What a program that has ended printed, and its exit code (below 0: that signal)."""

    output: str
    errors: str
    exit_code: int

    @property
    def reason(self) -> str:
        """The last line that it printed, of an error where there is one."""
        if self.errors.strip() or self.output.strip():
            return one_line(self.errors if self.errors.strip() else self.output)
        return f"exit code {self.exit_code}"


def run_program(
    command: Sequence[str],
    problem: str,
    *,
    failure: Callable[[str], Exception] = ToolMissing,
    reason: Callable[[Finished], str] = lambda done: done.reason,
    check: bool = True,
    timeout_s: float | None = None,
    text: str = "",
    source: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Finished:
    """Runs `command` to its end in `folder`, with `text`, or the file `source`, as its
    standard input.

    Raises what `failure` makes of one line, `problem` and the `reason`, when the exit code is not
    0 (unless not to `check`) and when it takes longer than `timeout_s` seconds. Raises
    ToolMissing where the program cannot be started.
    """
    try:
        with open(source or os.devnull, "rb") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if text else file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
    except OSError as error:
        raise ToolMissing(
            f"{problem}: {command[0]} cannot be started ({error.strerror})"
        ) from error
    with process:
        try:
            output, errors = process.communicate(text or None, timeout_s)
        except subprocess.TimeoutExpired:
            raise failure(f"{problem}: took longer than {timeout_s:g} s") from None
        finally:
            if process.poll() is None:  # what a finished one left in its group may be meant to stay
                _kill_group(process)
    done = Finished(output, errors, process.returncode)
    if check and done.exit_code:
        raise failure(f"{problem}: {reason(done)}")
    return done


def _kill_group(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
