"""Tasks on the Ray cluster that this process has joined."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import ray
import ray.exceptions as of_ray

from bench.runtimes.channel import receive, send
from bench.sweep.executors.executor import TRIES, Done
from bench.sweep.executors.folder_bytes import pack, unpack
from bench.sweep.executors.ray_worker import Run, carry_out
from bench.sweep.task import Task
from depthbench.errors import DepthbenchError, RuntimeLost
from depthbench.one_line import one_line

WATCH_S = 2.0
LOST = (
    of_ray.LocalRayletDiedError,
    of_ray.NodeDiedError,
    of_ray.ObjectLostError,
    of_ray.OutOfMemoryError,
    of_ray.WorkerCrashedError,
)
"""How Ray says that a task ended with its worker, or its result with the node that it was on."""


class RayTasks:
    """Tasks under way on the cluster that this process has joined; tells of them on `channel`."""

    def __init__(self, channel: socket.socket, scratch: Path) -> None:
        self._channel = channel
        self._scratch = scratch
        self._stored: dict[str, Any] = {}
        remote = ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")
        self._carry_out = remote(carry_out)

    async def serve(self) -> None:
        """Carry out what is asked for until the other end closes."""
        async with asyncio.TaskGroup() as group:
            under_way = [group.create_task(self._watch())]
            with contextlib.suppress(EOFError, OSError):
                while True:
                    task, inputs, run = await asyncio.to_thread(receive, self._channel)
                    under_way.append(group.create_task(self._end(task, inputs, run)))
            for each in under_way:
                each.cancel()

    async def _watch(self) -> None:
        """Tell how many tasks the cluster carries out; ends the process when its node is lost."""
        here, slots = ray.get_runtime_context().get_node_id(), -1
        while True:
            alive = [node for node in await asyncio.to_thread(ray.nodes) if node["Alive"]]
            if all(node["NodeID"] != here for node in alive):
                os._exit(1)
            before, slots = slots, sum(int(node["Resources"].get("CPU", 0)) for node in alive)
            if slots != before:
                send(self._channel, ("slots", slots))
            await asyncio.sleep(WATCH_S)

    async def _end(self, task: Task, inputs: dict[str, Path], run: Run) -> None:
        """Carry out a task to its end, again where its worker is lost, and tell of it."""
        lost = 0
        where, seconds = "the Ray cluster", 0.0
        result: bytes | DepthbenchError
        while True:
            try:
                stored = [self._store(key, inputs[key]) for key in task.inputs]
                stream: Any = self._carry_out.remote(run, task, *stored)
                where = await (await anext(stream))
                send(self._channel, ("begun", task.key, where))
                result, seconds = await (await anext(stream))
                break
            except LOST as error:
                lost += 1
                send(self._channel, ("lost", task.key))
                result = RuntimeLost(
                    f"{lost} workers ended in the midst of it, the last on {where} by "
                    f"{type(error).__name__}"
                )
                if lost == TRIES:
                    break
            except of_ray.RayError as error:
                result = DepthbenchError(f"{where}: {type(error).__name__}: {one_line(error)}")
                break
        self._tell_end(task, result, where, seconds, lost)

    def _store(self, key: str, folder: Path) -> Any:
        """A result in the cluster's object store; it is put there once."""
        if key not in self._stored:
            self._stored[key] = ray.put(pack(folder))
        return self._stored[key]

    def _tell_end(
        self, task: Task, result: bytes | DepthbenchError, where: str, seconds: float, lost: int
    ) -> None:
        folder, error = None, None
        if isinstance(result, bytes):
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
            unpack(result, folder)
        else:
            error = result
        send(self._channel, ("done", Done(task, folder, error, where, seconds, lost)))
