"""One client of a board at a time, also when they are on different machines.

The lock of a device (`deployment.device_lock`) is known to this machine alone. A board may have
clients on several, so a shell holds a lock there as long as its input is open, that is as long as
its client and their connection live. Whoever has it may remove what the clients before have left.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from android_rpc.deployment.turn import wait_for_turn
from android_rpc.transport import Transport
from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess, child_process
from depthbench.progress import Progress

CHECK_S = 0.05
START_S = 30.0
# What the shell below writes: `lease=busy by SHELL CLIENT PROCESS BOOT`, for one.
STATE = re.compile(
    r"^lease=(?P<state>held|unlocked|busy by)"
    r"(?: (?P<shell>\d+) (?P<client>\S+) (?P<process>\d+) (?P<boot>\S+))?\s*$",
    re.MULTILINE,
)
BOOT = Path("/proc/sys/kernel/random/boot_id")
# All of it ends with its input, also while it waits. Programs must not inherit the lock.
HOLD = """cd {home} || exit 1
exec 3<&0 9>> lease
{{ cat <&3 > /dev/null; kill $$; }} 2> /dev/null 9>&- &
while :; do
  flock -n 9
  case $? in
  0) break;;
  1) echo "lease=busy by $(cat lease)" >&2;;
  *) echo lease=unlocked >&2; wait;;
  esac
  sleep 1 9>&-
done
echo "$$ {client}" > lease
echo lease=held >&2
wait"""


@contextmanager
def exclusive_use(transport: Transport, progress: Progress, wait_s: float) -> Iterator[None]:
    """The board for the length of a block, with nothing left on it of clients that are dead.

    Waits for a client that measures on it now; DeviceError when that takes longer than `wait_s`.
    A board without `flock` is not locked.
    """
    client = f"{platform.node() or '?'} {os.getpid()} {_boot()}"
    script = HOLD.format(home=transport.home, client=client)
    with child_process(transport.command(script)) as holder:
        if _wait_until_held(transport, holder, progress, wait_s):
            _remove_what_is_left(transport)
        yield


def _wait_until_held(
    transport: Transport, holder: ChildProcess, progress: Progress, wait_s: float
) -> bool:
    """Whether the board is locked now, rather than not able to be locked."""
    started = time.monotonic()

    def told() -> re.Match[str] | None:
        states = list(STATE.finditer(holder.log()))
        return states[-1] if states else None

    def is_ours() -> bool:
        state = told()
        if state and state["state"] != "busy by":
            return True
        if not holder.running:
            raise DeviceError(f"{transport}: cannot be locked, {holder.why_ended()}")
        if state is None and time.monotonic() - started > START_S:
            raise DeviceError(f"{transport} does not answer", advice="run again")
        return False

    def who() -> str:
        other = told()
        if other is None or other["state"] != "busy by":
            return ""
        if _has_ended(other):  # the board has not noticed that their connection was cut
            transport.shell(f"kill {other['shell']} 2> /dev/null; true")
            return ""
        client = f"process {other['process']} of {other['client']}" if other["process"] else ""
        return f"{client or 'another'} measures on {transport}"

    wait_for_turn(is_ours, who, progress, wait_s, CHECK_S)
    found = told()
    return found is not None and found["state"] == "held"


def _has_ended(other: re.Match[str]) -> bool:
    """Whether the other client was on this machine and is no more, or was this very process."""
    import psutil

    if other["process"] is None or other["boot"] != _boot():
        return False
    process = int(other["process"])
    return process == os.getpid() or not psutil.pid_exists(process)


def _remove_what_is_left(transport: Transport) -> None:
    for name in transport.shell(f"cd {transport.home} && ls; true").split():
        if name.startswith(("run-", "incoming-")):
            transport.remove_folder(str(transport.home / name))


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:
        return "?"
