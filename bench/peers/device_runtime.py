"""A runtime in the arm64 Python of a device, asked through what reaches the device."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from bench.measure.timing import Sample
from bench.peers.messages import pack, unpack
from bench.peers.peer import Setting, version_of
from bench.runtimes.channel import receive_bytes, send_bytes, skip_greeting
from bench.runtimes.process_runtime import ANSWER_S, LOAD_S, ProcessRuntime
from depthbench.errors import InputError
from depthbench.processes import ChildProcess
from depthnet.card.port import Port

# The device ends what this process should have ended already, and cannot reach.
GRACE_S = 5


class DeviceRuntime(ProcessRuntime):
    """A model of one input that `run_peer` runs on a device, as `command` starts it there.

    `setting` is what it is; `output` is the model's first, which is the one that `run` yields.
    Times are taken on the device around the call. Raises InputError when the runtime cannot load
    the model, and RuntimeLost, here and in every method, when the process is gone.
    """

    def __init__(
        self,
        setting: Setting,
        command: Sequence[str],
        output: Port,
        threads: int = 1,
        *,
        load_s: float = LOAD_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._setting, self._output, self._threads = setting, output, threads
        channel, theirs = socket.socketpair()
        try:
            with theirs:
                child = ChildProcess(command, talks_on=theirs)
        except BaseException:
            channel.close()
            raise
        super().__init__(setting.name, child, channel, load_s, answer_s)
        try:
            self._exchange(load_s, lambda channel: skip_greeting(channel.recv))
            self._ask(load_s, "load")
        except BaseException:
            self.close()
            raise

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; the first output, with a batch where the runtime has none."""
        _, found = self._ask(self._load_s, "run", image=_only(inputs))
        output = found["output"]
        if output.size == math.prod(self._output.shape):
            output = output.reshape(self._output.shape)
        return {self._output.name: output}

    def sampler(
        self, inputs: Mapping[str, NDArray], several_threads: bool = False
    ) -> Callable[[], Sample]:
        """A function that times one run of the model, in the process of the model."""
        values = {"several_threads": several_threads}
        self._ask(self._answer_s, "use", values, image=_only(inputs))
        return lambda: Sample(*self._ask(self._answer_s, "sample")[0])

    def describe(self) -> dict[str, Any]:
        """Threads, precision, version, and the cores on which it ran so far."""
        return {
            "threads": self._threads,
            "precision": self._setting.precision,
            "version": version_of(self._setting.runtime),
            **self._ask(self._answer_s, "where")[0],
        }

    def _ask(
        self, limit_s: float, name: str, values: Mapping[str, Any] | None = None, **arrays: NDArray
    ) -> tuple[Any, dict[str, NDArray]]:
        request = {"name": name, "limit_s": math.ceil(limit_s) + GRACE_S, "values": values or {}}

        def ask(channel: socket.socket) -> tuple[dict[str, Any], dict[str, NDArray]]:
            send_bytes(channel.sendall, pack(request, **arrays))
            return unpack(receive_bytes(channel.recv))

        reply, found = self._exchange(limit_s, ask)
        if "error" in reply:
            raise InputError(f"{self.name} cannot run the model there: {reply['error']}")
        return reply["answer"], found


def _only(inputs: Mapping[str, NDArray]) -> NDArray:
    (image,) = inputs.values()
    return image
