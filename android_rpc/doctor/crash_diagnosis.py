"""Why did a session break off?

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
END = re.compile(r"session ended by signal (\d+)|(session ready)")
KILLED = ("signal 9:", "exit code 137:")  # the latter is what a shell tells of it
CRASHES = {
    signal.SIGILL: "it uses instructions that this CPU lacks: compile it for this target",
    **dict.fromkeys(
        (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT),
        "compile it again with this version",
    ),
}


@contextmanager
def explained(name: str, server: ChildProcess) -> Iterator[None]:
    """Adds the cause, where the server's log tells it, to the error of a connection that closed."""
    try:
        yield
    except ConnectionLost as lost:
        if cause := _cause(server):
            raise DeviceError(f"{name}: {lost.what}: {cause}") from lost
        raise


def _cause(server: ChildProcess) -> str:
    """In a few words; empty when the log says nothing within some seconds."""
    deadline = time.monotonic() + LOG_S
    while time.monotonic() < deadline:
        said = list(END.finditer(server.log()))
        if said and said[-1][1]:
            return _of_signal(int(said[-1][1]))
        if not server.running:
            why = server.why_ended()
            if why.startswith(KILLED):
                return "the server on the device was killed (signal 9, SIGKILL); run again"
            return f"the server on the device ended ({why}): run again"
        time.sleep(CHECK_S)
    return ""


def _of_signal(number: int) -> str:
    name = signal.Signals(number).name
    if advice := CRASHES.get(signal.Signals(number)):
        return f"the model crashed (signal {number}, {name}); {advice}"
    return (
        f"the session was killed (signal {number}, {name}); most likely the device ran short of "
        "memory: close apps on it and run again"
    )
