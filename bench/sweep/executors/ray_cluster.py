"""The workers of a Ray cluster."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from bench.runtimes.channel import receive, send
from bench.sweep.executors.executor import TRIES, Done
from bench.sweep.executors.ray_worker import Run
from bench.sweep.task import Task, run_task
from depthbench.closing import Closing
from depthbench.errors import DeviceError, InputError, ToolMissing
from depthbench.processes import ChildProcess

RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_connect_timeout_s": "2",
    "RAY_py_gcs_connect_timeout_s": "5",
    "RAY_gcs_server_request_timeout_seconds": "10",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "15",
}
"""Say nothing to the outside, and give up within seconds, not minutes."""
DRIVER = "bench.sweep.executors.ray_driver"
WAITING = "waiting for a CPU of the Ray cluster"
PROBE_S = 3.0
JOIN_S = 30.0
ANSWER_S = 90.0
LAST_WORDS_S = 2.0


class RayCluster(Closing):
    """Carries tasks out on the Ray cluster at `address`, `HOST:PORT` of its head node.

    This machine is one of its nodes. A process of its own talks to the cluster (`ray_driver`);
    folders travel as bytes, and no disk is shared. Tasks that are under way on the cluster end
    with the `with` block, and when this process is killed.
    """

    def __init__(self, address: str, scratch: Path, run: Run = run_task) -> None:
        """Raises InputError for what is no address, and ToolMissing where Ray is not installed."""
        host, _, port = address.rpartition(":")
        if not host or "/" in host or not port.isdecimal() or int(port) > 65535:
            raise InputError(
                f"--ray {address}: no HOST:PORT", advice="give the address of a Ray head node"
            )
        if find_spec("ray") is None:
            raise ToolMissing("Ray is not installed", advice="pip install 'depthbench[ray]'")
        self.address = address
        self._host_and_port = host.strip("[]"), int(port)
        self._scratch = scratch
        self._run = run
        self._slots = 0
        self._under_way: dict[str, tuple[Task, Mapping[str, Path]]] = {}
        self._where: dict[str, str] = {}
        self._connections = 0

    def __enter__(self) -> Self:
        """Raises DeviceError where no cluster answers, and ToolMissing where its nodes differ."""
        self._connect()
        return self

    def close(self) -> None:
        """Leave the cluster, which ends what is under way."""
        self._channel.close()
        self._child.end()

    @property
    def driver(self) -> int:
        """The process that talks to the cluster."""
        return self._child.pid

    @property
    def slots(self) -> int:
        """How many CPUs the nodes have that are in the cluster now."""
        return self._slots

    def submit(self, task: Task, inputs: Mapping[str, Path]) -> None:
        """Have a task carried out on the cluster."""
        self._under_way[task.key] = task, inputs
        self._ask(task, inputs)

    def finished(self, timeout_s: float) -> Sequence[Done]:
        """The tasks that have ended; raises DeviceError when the cluster is lost."""
        ended: list[Done] = []
        end = time.monotonic() + timeout_s
        while self._readable(0.0 if ended else max(end - time.monotonic(), 0.0)):
            try:
                message = receive(self._channel)
            except (EOFError, OSError):
                self._connect_again()
                continue
            match message:
                case "slots", int(slots):
                    self._have(slots)
                case "begun", str(key), str(where):
                    self._where[key] = where
                case "lost", str(key):
                    self._where.pop(key, None)
                case "done", Done() as done:
                    self._where.pop(done.task.key, None)
                    task, _ = self._under_way.pop(done.task.key)
                    ended.append(replace(done, task=task))
        return ended

    def under_way(self) -> Mapping[str, str]:
        """The node of each task that has begun; of the others, that they wait."""
        return {key: self._where.get(key, WAITING) for key in self._under_way}

    def _connect(self) -> None:
        """Raises DeviceError within seconds where no cluster answers."""
        self._connections += 1
        self._probe()
        self._channel, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", DRIVER, str(theirs.fileno()), self.address]
            self._child = ChildProcess(
                [*command, str(self._scratch)], {**os.environ, **RAY}, [theirs.fileno()]
            )
        try:
            self._expect("joined", JOIN_S)
            self._have(self._expect("slots", ANSWER_S))
        except BaseException:
            self.close()
            raise

    def _probe(self) -> None:
        # Ray would try for more than a minute.
        try:
            socket.create_connection(self._host_and_port, PROBE_S).close()
        except OSError as error:
            raise DeviceError(
                f"no Ray cluster answers at {self.address} ({error.strerror or 'no answer'})",
                advice="start its head node with: ray start --head",
            ) from error

    def _expect(self, name: str, limit_s: float) -> int:
        """What the driver says under that name, which it says next."""
        if not self._readable(limit_s):
            raise DeviceError(
                f"{self.address} does not answer as a Ray cluster within {limit_s:g} s",
                advice="give the address of a Ray head node",
            )
        try:
            said, value = receive(self._channel)
        except (EOFError, OSError):
            self._child.wait(LAST_WORDS_S)
            raise DeviceError(
                f"the Ray cluster at {self.address} was lost ({self._child.why_ended()})"
            ) from None
        if said != name:
            raise value
        return int(value)

    def _have(self, slots: int) -> None:
        self._slots = slots
        if not slots:
            raise DeviceError(
                f"the Ray cluster at {self.address} has no CPU for a task",
                advice=f"start a node of it with: ray start --address {self.address} --num-cpus N",
            )

    def _connect_again(self) -> None:
        """Begin what was under way anew; raises DeviceError when the cluster does not answer."""
        self._child.wait(LAST_WORDS_S)
        why = self._child.why_ended()
        self.close()
        if self._connections == TRIES:
            raise DeviceError(
                f"the Ray cluster at {self.address} was lost {TRIES} times, last with {why}",
                advice="what is done is kept: run the same command again",
            )
        self._where.clear()
        self._connect()
        for task, inputs in self._under_way.values():
            self._ask(task, inputs)

    def _ask(self, task: Task, inputs: Mapping[str, Path]) -> None:
        with contextlib.suppress(OSError):  # `finished` sees that the driver has gone
            send(self._channel, (task, dict(inputs), self._run))

    def _readable(self, timeout_s: float) -> bool:
        return bool(select.select([self._channel], [], [], timeout_s)[0])
