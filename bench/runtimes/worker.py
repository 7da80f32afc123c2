"""A runtime in this process, driven by the one that started it (`subprocess_runtime`).

python -m bench.runtimes.worker DESCRIPTOR

DESCRIPTOR is this end of a socket. Everything ends when standard input closes: a guard sees to it,
since a runtime that hangs may hold the interpreter's lock, and a stopped process reads nothing.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from depthbench.guard import go_on_guarded

if TYPE_CHECKING:
    from bench.measure.timing import Sample
    from bench.runtimes.base import Runtime


def main(descriptor: int) -> None:
    """Answer requests until the other end closes the socket."""
    go_on_guarded()
    from bench.runtimes.channel import receive, send

    requests = Requests()
    with socket.socket(fileno=descriptor) as channel:
        while True:
            try:
                name, *arguments = receive(channel)
            except (EOFError, OSError):
                return
            try:
                answer = (True, getattr(requests, name)(*arguments))
            except Exception as error:
                answer = (False, one_of_ours(error))
            send(channel, answer)


def one_of_ours(error: Exception) -> Exception:
    """An error that the command line knows, of one line."""
    from depthbench.errors import InputError
    from depthbench.one_line import one_line

    if hasattr(error, "exit_code"):
        return error
    return InputError(f"cannot run the model: {type(error).__name__}: {one_line(error)}")


class Requests:
    """What can be asked for, by name."""

    _runtime: Runtime
    _sampler: Callable[[], Sample]

    def load(self, prepared: Any) -> dict[str, Any]:
        """Load the model; what the runtime says of it."""
        from bench.runtimes.registry import load

        self._runtime = load(prepared)
        return self._runtime.describe()

    def run(self, inputs: Any) -> Any:
        """The outputs."""
        return self._runtime.run(inputs)

    def use(self, inputs: Any, several_threads: bool) -> None:
        """What `sample` is to run on; the way here has moved arrays off their cache lines."""
        from bench.runtimes.cache_line import on_a_cache_line

        placed = {name: on_a_cache_line(array) for name, array in inputs.items()}
        self._sampler = self._runtime.sampler(placed, several_threads)

    def sample(self) -> Sample:
        """Time one inference, in this process."""
        return self._sampler()


if __name__ == "__main__":
    main(int(sys.argv[1]))
