"""The native server on a phone or board: started by a shell, on a port there that is free."""

from __future__ import annotations

import random
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

from android_rpc.deployment.device_lock import DeviceLock
from android_rpc.tracker.tcp_proxy import open_proxy
from android_rpc.tracker.tracker import LOOPBACK
from android_rpc.transport import PORTS
from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess, child_process

START_S = 30.0
CHECK_S = 0.02
Server = TypeVar("Server")
PORT_TRIES = 5
PORT_TAKEN = 4  # the exit code of server/main.c
# What the device's shell and then the server write to the log.
LISTENING = re.compile(r"^process=(?P<number>\d+)$.* server=listening ", re.MULTILINE | re.DOTALL)


class NativeServer(NamedTuple):
    """A server on a device: the shell that runs it, and its process number there."""

    shell: ChildProcess
    number: int


@contextmanager
def native_server(
    lock: DeviceLock, command: Sequence[str], listen: str, name: str
) -> Iterator[NativeServer]:
    """Runs the server that `command` starts on the device called `name`, for a block.

    Clients reach it at a port of this machine's address `listen`, which leads there.
    Raises DeviceError when it does not come up.
    """

    def start(attempt: ExitStack, port: int) -> NativeServer | None:
        here = attempt.enter_context(lock.forward(port))
        there = attempt.enter_context(open_proxy(listen, (LOOPBACK, here)))
        words = [*command, "--listen", f"{LOOPBACK}:{port}", "--advertise", f"{listen}:{there}"]
        script = f"echo process=$$ >&2; exec {' '.join(map(shlex.quote, words))}"
        shell = attempt.enter_context(child_process(lock.transport.command(script)))
        number = _wait_until_listening(shell, name)
        return None if number is None else NativeServer(shell, number)

    with on_free_port(name, start) as server:
        yield server


@contextmanager
def on_free_port(name: str, start: Callable[[ExitStack, int], Server | None]) -> Iterator[Server]:
    """What `start` makes, for a block, on a port of the device called `name` that is free.

    It gets a stack for what ends with the block, and a port; where that is taken it returns None
    and is asked again. Raises DeviceError when this happens too often.
    """
    for _ in range(PORT_TRIES):
        with ExitStack() as attempt:
            if (server := start(attempt, random.choice(PORTS))) is not None:
                yield server
                return
    raise DeviceError(f"{name}: {PORT_TRIES} ports of the device were taken", advice="run again")


def _wait_until_listening(shell: ChildProcess, name: str) -> int | None:
    """The server's process on the device; None when its port was taken."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if shell.exit_code == PORT_TAKEN:
            return None
        if not shell.running:
            raise DeviceError(f"{name}: the server ended, {shell.why_ended()}")
        if match := LISTENING.search(shell.log()):
            return int(match["number"])
        time.sleep(CHECK_S)
    raise DeviceError(f"{name}: the server did not start in {START_S:g} s")
