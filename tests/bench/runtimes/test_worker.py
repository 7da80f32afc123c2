"""What the other process does with what it is sent."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import pytest
from numpy.typing import NDArray

from bench.measure.agreement import seeded_inputs
from bench.runtimes.base import Runtime
from bench.runtimes.channel import receive, send
from bench.runtimes.worker import Requests


class Watching(Runtime):
    """Notes where the arrays begin that it runs on."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.sums: list[float] = []

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        self.starts += [array.ctypes.data % 64 for array in inputs.values()]
        self.sums += [float(array.sum()) for array in inputs.values()]
        return {}


@pytest.mark.parametrize("edge", [7, 30, 33])
def test_samples_run_on_arrays_that_begin_on_a_cache_line(edge: int) -> None:
    specs = [{"name": name, "shape": (1, 3, edge, edge), "dtype": "float32"} for name in "ab"]
    inputs = seeded_inputs(specs)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, inputs)
        received = receive(theirs)
    requests = Requests()
    requests._runtime = runtime = Watching()
    requests.use(received, False)
    requests.sample()
    assert runtime.starts == [0, 0]
    assert runtime.sums == [float(array.sum()) for array in inputs.values()]
