"""A network that runs on this machine, watched kernel by kernel."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.check import random_inputs, relative_difference
from compile.runtime.threads import use_threads
from compile.tuning.network import Trial

if TYPE_CHECKING:
    from compile.onnx.checked_model import Model


class Running:
    """A trial in TVM's virtual machine, on fixed random inputs.

    `ports` are the model's inputs, as a manifest lists them.
    """

    def __init__(self, trial: Trial, source: Model, threads: int) -> None:
        import tvm
        from tvm import relax

        use_threads(threads)
        self._threads = threads
        # What else the machine does is not in a thread's own time, but neither are its helpers.
        self._clock = time.thread_time_ns if threads == 1 else time.perf_counter_ns
        self._kernels = trial.kernels
        self.ports = [port.to_dict() for port in source.inputs]
        inputs = random_inputs(source.inputs)
        self._inputs = [tvm.runtime.tensor(inputs[port.name]) for port in source.inputs]
        self._machine = relax.VirtualMachine(trial.runs_here, tvm.cpu())
        self._main = self._machine["main"]

    def times(self) -> dict[str, int]:
        """Nanoseconds of each workload in one inference, all of its calls together.

        What belongs to no workload is under the empty name.

        An inference before it, which does not count, brings the caches to how the network itself
        leaves them.
        """
        spent: Counter[str] = Counter()
        # What is watched holds on to its watcher, who must not hold on to it.
        clock, kernels, begin = self._clock, self._kernels, 0

        def watch(_: Any, name: str, before: bool, *rest: Any) -> None:
            nonlocal begin
            if before:
                begin = clock()
            else:
                spent[kernels.get(name, "")] += clock() - begin

        use_threads(self._threads)
        self._machine.set_instrument(watch)
        self._main(*self._inputs)
        spent.clear()
        self._main(*self._inputs)
        return dict(spent)

    def results(self) -> list[tuple[str, np.ndarray]]:
        """What each kernel of a workload wrote in one inference, in order."""
        found: list[tuple[str, np.ndarray]] = []
        kernels = self._kernels

        def keep(_: Any, name: str, before: bool, result: Any, *arguments: Any) -> None:
            if not before and name in kernels:
                found.append((kernels[name], arguments[-1].numpy()))

        use_threads(self._threads)
        self._machine.set_instrument(keep)
        self._main(*self._inputs)
        return found


def differing(
    found: Sequence[tuple[str, np.ndarray]],
    expected: Sequence[tuple[str, np.ndarray]],
    tolerance: float,
) -> str | None:
    """The first workload whose result is another than expected; what follows it is wrong too.

    A choice may part or join functions, so that some have no workload's name: each result is
    compared with that of the same call of its workload, where there is one.
    """
    waiting: defaultdict[str, list[np.ndarray]] = defaultdict(list)
    for workload, reference in expected:
        waiting[workload].append(reference)
    for workload, result in found:
        if waiting[workload]:
            reference = waiting[workload].pop(0)
            if not relative_difference(result, reference) <= tolerance:
                return workload
    return None
