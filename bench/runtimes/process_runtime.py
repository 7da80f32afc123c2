"""A runtime that another process runs and is asked for over a socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

from bench.runtimes.base import Runtime
from depthbench.errors import RuntimeLost
from depthbench.processes import ChildProcess

LOAD_S = 900.0
ANSWER_S = 120.0
LAST_WORDS_S = 2.0

T = TypeVar("T")


class ProcessRuntime(Runtime):
    """What a `child` runs, at the other end of the socket `channel`; both end with `close`.

    It may take `load_s` seconds to load and to run for the first time, and `answer_s` for
    everything after that: then it is killed. Every method raises RuntimeLost when it is gone.
    """

    def __init__(
        self,
        name: str,
        child: ChildProcess,
        channel: socket.socket,
        load_s: float = LOAD_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.name = name
        self._child = child
        self._channel = channel
        self._load_s, self._answer_s = load_s, answer_s
        self._why_lost = ""

    @property
    def pid(self) -> int:
        """The process that was started, which leads its own group: the runtime's, or its guard."""
        return self._child.pid

    def close(self) -> None:
        """End the process."""
        if self._channel.fileno() >= 0:
            self._channel.close()
            self._child.end()

    def _exchange(self, limit_s: float, ask: Callable[[socket.socket], T]) -> T:
        """What `ask` makes of the channel, within `limit_s` seconds without a byte."""
        if self._why_lost:
            raise RuntimeLost(self._why_lost)
        try:
            self._channel.settimeout(limit_s)
            return ask(self._channel)
        except TimeoutError:
            raise self._lost(f"no answer for {limit_s:g} s, killed") from None
        except (EOFError, OSError):
            raise self._lost(self._last_words()) from None

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
