"""Processes that end with the one that started them, however it is ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from types import FrameType

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
AGAIN_S = 0.01


def go_on_guarded() -> None:
    """Return in a new child process; this one stays behind as its guard.

    The guard kills the child and all that came of it, in whatever session, when standard input
    closes, when the child ends, or when it is asked to end itself, and then ends as the child did.
    Call this before there are threads. Linux only.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # whose parents die become the guard's own
    guard = os.getpid()
    child = os.fork()
    if child == 0:
        end_with_parent()
        if os.getppid() != guard:
            os.kill(os.getpid(), signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
        return
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    status = None
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        _wait(child)
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        status = _kill_descendants(child)
    if os.WIFSIGNALED(status):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def end_with_parent() -> None:
    """Let the kernel kill this process when the one that started it has ended. Linux only."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait(child: int) -> None:
    """Until standard input closes or the child ends."""
    waiting = select.poll()
    ended = os.pidfd_open(child)
    waiting.register(ended, select.POLLIN)
    waiting.register(sys.stdin.fileno(), select.POLLIN)
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor == ended or not os.read(descriptor, 4096):
                return


def _kill_descendants(child: int) -> int:
    """How the child ended, when none is left."""
    import psutil

    status = 0
    while True:
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        try:
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                status = ended[1] if ended[0] == child else status
        except ChildProcessError:
            return status
        time.sleep(AGAIN_S)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
