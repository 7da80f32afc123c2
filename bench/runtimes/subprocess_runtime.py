"""A runtime in a process of its own: one that crashes or hangs takes nothing with it."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bench.measure.timing import Sample
from bench.runtimes.base import Runtime
from bench.runtimes.channel import receive, send
from bench.runtimes.registry import Prepared
from depthbench.errors import RuntimeLost

LOAD_S = 900.0
ANSWER_S = 120.0
LAST_WORDS_S = 2.0


class SubprocessRuntime(Runtime):
    """A prepared model, loaded and run by another process (`worker`).

    Libraries that clash in one process, such as two OpenMP runtimes, do not meet. Times are taken
    there around the call, so that the way to it is in no figure. It may take `load_s` seconds to
    load and to run for the first time, and `answer_s` for everything after that: then it is
    killed. It ends with `close`, and also when this process is killed. Raises what loading the
    runtime raises, and RuntimeLost, here and in every method, when the process is gone.
    """

    def __init__(
        self, prepared: Prepared, *, load_s: float = LOAD_S, answer_s: float = ANSWER_S
    ) -> None:
        from depthbench.processes import ChildProcess

        self.name = prepared.name
        self._load_s, self._answer_s = load_s, answer_s
        self._why_lost = ""
        # What a killed runtime leaves behind in it is removed here.
        self._scratch = tempfile.TemporaryDirectory(prefix="depthbench-")
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._child = ChildProcess(
                    [sys.executable, "-m", "bench.runtimes.worker", str(theirs.fileno())],
                    _environment(Path(self._scratch.name), prepared.threads),
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            self._channel.close()
            self._scratch.cleanup()
            raise
        try:
            self._described: dict[str, Any] = self._ask(load_s, "load", prepared)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process, which leads its own group."""
        return self._child.pid

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        """Run the model once; raises InputError for inputs that it does not take."""
        outputs: dict[str, NDArray] = self._ask(self._load_s, "run", dict(inputs))
        return outputs

    def sampler(
        self, inputs: Mapping[str, NDArray], several_threads: bool = False
    ) -> Callable[[], Sample]:
        """What runs the model once on `inputs`, over there, and says how long it took."""
        self._ask(self._answer_s, "use", dict(inputs), several_threads)
        return lambda: self._ask(self._answer_s, "sample")

    def describe(self) -> dict[str, Any]:
        """What the runtime said when it was loaded."""
        return self._described

    def close(self) -> None:
        """End the process."""
        if self._channel.fileno() >= 0:
            self._child.end()
            self._channel.close()
            self._scratch.cleanup()

    def _ask(self, limit_s: float, *request: Any) -> Any:
        if self._why_lost:
            raise RuntimeLost(self._why_lost)
        try:
            self._channel.settimeout(limit_s)
            send(self._channel, request)
            good, answer = receive(self._channel)
        except TimeoutError:
            raise self._lost(f"no answer for {limit_s:g} s, killed") from None
        except (EOFError, OSError):
            raise self._lost(self._last_words()) from None
        if not good:
            raise answer
        return answer

    def _lost(self, reason: str) -> RuntimeLost:
        self._why_lost = f"{self.name}: {reason}"
        self.close()
        return RuntimeLost(self._why_lost)

    def _last_words(self) -> str:
        """Why the process has gone; its socket closes a little before it can be waited for."""
        end = time.monotonic() + LAST_WORDS_S
        while self._child.running and time.monotonic() < end:
            time.sleep(0.01)
        return f"its process ended, {self._child.why_ended()}"


def _environment(scratch: Path, threads: int) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "TMPDIR": str(scratch)}
