"""A process that carries out one task after another for `local`.

python -m bench.sweep.executors.step_worker DESCRIPTOR

DESCRIPTOR is this end of a socket. Everything ends when standard input closes.
"""

from __future__ import annotations

import socket
import sys

from depthbench.guard import go_on_guarded


def main(descriptor: int) -> None:
    """Take tasks until the other end closes the socket.

    A message there is what a task does now, then what it raised or None.
    """
    go_on_guarded()
    from bench.runtimes.channel import receive, send
    from bench.sweep.task import as_told, run_task

    with socket.socket(fileno=descriptor) as channel:
        while True:
            try:
                task, inputs, out = receive(channel)
            except (EOFError, OSError):
                return
            error = None
            try:
                run_task(task, inputs, out, lambda line: send(channel, line))
            except Exception as raised:
                error = as_told(raised)
            send(channel, (error,))


if __name__ == "__main__":
    main(int(sys.argv[1]))
