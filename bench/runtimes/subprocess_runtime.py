"""A runtime in a process of its own: one that crashes or hangs takes nothing with it."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.measure.timing import Sample
from bench.runtimes.channel import receive, send
from bench.runtimes.process_runtime import ANSWER_S, LOAD_S, ProcessRuntime
from bench.runtimes.registry import Prepared
from depthbench.processes import ChildProcess


class SubprocessRuntime(ProcessRuntime):
    """A prepared model, loaded and run by another process (`worker`).

    Libraries that clash in one process, such as two OpenMP runtimes, do not meet. Times are taken
    there around the call, so that the way to it is in no figure. It ends with `close`, and also
    when this process is killed. Raises what loading the runtime raises, and RuntimeLost, here and
    in every method, when the process is gone.
    """

    def __init__(
        self, prepared: Prepared, *, load_s: float = LOAD_S, answer_s: float = ANSWER_S
    ) -> None:
        # What a killed runtime leaves behind in it is removed here.
        self._scratch = tempfile.TemporaryDirectory(prefix="depthbench-")
        channel, theirs = socket.socketpair()
        try:
            with theirs:
                child = ChildProcess(
                    [sys.executable, "-m", "bench.runtimes.worker", str(theirs.fileno())],
                    _environment(Path(self._scratch.name), prepared.threads),
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            channel.close()
            self._scratch.cleanup()
            raise
        super().__init__(prepared.name, child, channel, load_s, answer_s)
        try:
            self._described: dict[str, Any] = self._ask(load_s, "load", prepared)
        except BaseException:
            self.close()
            raise

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for inputs that it does not take."""
        outputs: dict[str, NDArray] = self._ask(self._load_s, "run", dict(inputs))
        return outputs

    def sampler(
        self, inputs: Mapping[str, NDArray], several_threads: bool = False
    ) -> Callable[[], Sample]:
        """A function that times one run of the model, in the process of the model."""
        self._ask(self._answer_s, "use", dict(inputs), several_threads)
        return lambda: self._ask(self._answer_s, "sample")

    def describe(self) -> dict[str, Any]:
        """What the runtime said when it was loaded."""
        return self._described

    def close(self) -> None:
        """End the process."""
        super().close()
        self._scratch.cleanup()

    def _ask(self, limit_s: float, *request: Any) -> Any:
        def ask(channel: socket.socket) -> Any:
            send(channel, request)
            return receive(channel)

        good, answer = self._exchange(limit_s, ask)
        if not good:
            raise answer
        return answer


def _environment(scratch: Path, threads: int) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "TMPDIR": str(scratch)}
