"""Runs `depthbench` commands, each in a process of its own that need not import TVM again.

Reads orders from standard input, one JSON object a line, and answers each with a line:

    {"run": [ARGUMENTS...], "folder": FOLDER}    forks; the answer is the process' number
    {"wait": PID}                                the answer is its exit code (minus a signal)

In FOLDER the command finds itself, with its output in `stdout` and `stderr`. What can be seen from
outside while it runs is written there as well: its progress in `progress`, and in `delivered` the
samples, in seconds, as they come from the device.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from android_rpc.remote_model import RemoteModel


def main() -> None:
    sys.modules["torch"] = None  # type: ignore[assignment]  # TVM imports it, for a second
    import onnxruntime  # noqa: F401
    from tvm import relax  # noqa: F401

    import bench.cli.rpc_measure
    import bench.measure.latency  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "run" in order:
            answer = start(order["run"], Path(order["folder"]))
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        print(answer, flush=True)


def start(arguments: list[str], folder: Path) -> int:
    if pid := os.fork():
        return pid
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.environ["DEPTHBENCH_TEST"] = str(folder)  # by which its processes are found
        observe()
        from bench import cli

        cli.main(arguments)
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    os._exit(1)


def observe() -> None:
    """Has progress and samples written down, samples taken in small helpings, no long patience."""
    from android_rpc import remote_calls, remote_model
    from android_rpc.ssh import connection
    from bench.cli import rpc_measure
    from bench.measure import sampling_plan

    progress, delivered = (
        os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for name in ("progress", "delivered")
    )
    samples = remote_model.RemoteModel.samples

    def observed(self: RemoteModel, count: int, number: int = 1) -> list[float]:
        taken = samples(self, count, number)
        os.write(delivered, "".join(f"{seconds!r}\n" for seconds in taken).encode())
        return taken

    @contextmanager
    def status() -> Iterator[Callable[[str], None]]:
        def show(line: str) -> None:
            os.write(progress, f"{line}\n".encode())

        yield show

    remote_model.RemoteModel.samples = observed  # type: ignore[method-assign]
    rpc_measure.status = status
    sampling_plan.CHUNK_S = 0.1
    remote_calls.GRACE_S = 1.0
    connection.OPTIONS["ServerAliveInterval"] = 1


if __name__ == "__main__":
    main()
