"""Diagnoses why a session broke off.

The client only sees its connection close. Why, the server's log tells, or that the server or adb's
own is gone as well.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from depthbench.errors import ConnectionLost, DeviceError
from depthbench.processes import ChildProcess

LOG_S = 3.0
CHECK_S = 0.02
# What the server logs of a session (server/session.c): of an ended one a signal, or that it failed
# and before that why.
SESSION = re.compile(
    r"\bsession=(?:ready|ended signal=(?P<signal>\d+))"
    r"|(?:^rpc_server \S+ (?P<why>.+)\n)?^rpc_server \S+ session=ended code=(?P<code>[1-9]\d*)",
    re.MULTILINE,
)
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)  # the latter is what a shell tells of it
SIGNALLED = 255  # what ssh tells of a program that a signal has ended
AGAIN = "run again"
SHORT_OF_MEMORY = "most likely the device ran short of memory: close apps on it and run again"
CRASHES = {
    signal.SIGILL: "it uses instructions that this CPU lacks: compile it for this target",
    **dict.fromkeys(
        (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT),
        "compile it again with this version",
    ),
}


@contextmanager
def diagnosed(name: str, server: ChildProcess) -> Iterator[None]:
    """Adds the cause, where the server's log tells it, to the error of a connection that closed."""
    try:
        yield
    except ConnectionLost as lost:
        if cause := _cause(server):
            found, advice = cause
            raise DeviceError(f"{name}: {lost.what}: {found}", advice=advice) from lost
        raise


def _cause(server: ChildProcess) -> tuple[str, str] | None:
    """What happened and what to do; None when the log says nothing within some seconds."""
    deadline = time.monotonic() + LOG_S
    while time.monotonic() < deadline:
        told = list(SESSION.finditer(server.log()))
        if told and (number := told[-1]["signal"]):
            return _of_signal(int(number))
        if told and told[-1]["code"]:
            why = told[-1]["why"] or f"exit code {told[-1]['code']}"
            return f"the server on the device refused: {why}", AGAIN
        if server.exit_code in KILLED:
            return "the server on the device was killed (signal 9, SIGKILL)", AGAIN
        if server.exit_code == SIGNALLED:
            return "the server on the device was killed", AGAIN
        if not server.running:
            return f"the server on the device ended ({server.why_ended()})", AGAIN
        time.sleep(CHECK_S)
    return None


def _of_signal(number: int) -> tuple[str, str]:
    name = signal.Signals(number).name
    if advice := CRASHES.get(signal.Signals(number)):
        return f"the model crashed (signal {number}, {name})", advice
    return f"the session was killed (signal {number}, {name})", SHORT_OF_MEMORY
