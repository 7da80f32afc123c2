"""A compiled model on a device: run, and timed as a whole or by operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from android_rpc.remote_calls import RemoteCalls
from depthbench.errors import InputError

if TYPE_CHECKING:
    import numpy as np


class RemoteModel:
    """A function of a compiled module, ready on a device; made by `Session.load`.

    `inputs` are the names of its parameters, in order.
    """

    def __init__(self, calls: RemoteCalls, machine: Any, device: Any, function: str) -> None:
        self._calls = calls
        self._machine = machine
        self._device = device
        self._function = function
        self._ready = False
        module = machine.module
        count = int(module["get_function_arity"](function))
        names = (module["get_function_param_name"](function, index) for index in range(count))
        self.inputs = tuple(str(name) for name in names)

    def set_inputs(self, inputs: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> None:
        """Copies arrays to the device, by name or in the order of `inputs`.

        Raises InputError when names are missing or unknown, DeviceError when the device refuses
        a shape or a type.
        """
        import numpy as np
        from tvm import runtime

        arrays = self._ordered(inputs)
        with self._calls.remote("setting the inputs"):
            self._machine.set_input(
                self._function,
                *(runtime.tensor(np.ascontiguousarray(array), self._device) for array in arrays),
            )
        self._ready = True

    def run(self, inputs: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for these inputs, nested tuples flattened, computed on the device."""
        self.set_inputs(inputs)
        with self._calls.remote("running the model"):
            self._machine.invoke_stateful(self._function)
            return [tensor.numpy() for tensor in _flat(self._machine.get_outputs(self._function))]

    def time(self, number: int = 1) -> float:
        """Seconds of one inference, the mean of `number` in a row, by the device's own clock."""
        return self.samples(1, number)[0]

    def samples(self, count: int, number: int = 1) -> list[float]:
        """Seconds of one inference, `count` times, each the mean of `number` in a row.

        Taken on the device with the last inputs, after one inference that is not counted; the
        network and the copies are not in it. Raises InputError before any inputs were set.
        """
        if not self._ready:
            raise InputError("the model has no inputs yet", advice="call run or set_inputs first")
        with self._calls.remote("timing the model"):
            evaluator = self._machine.time_evaluator(
                "invoke_stateful", self._device, number=number, repeat=count
            )
            return [float(seconds) for seconds in evaluator(self._function).results]

    def call_times(self, count: int) -> list[list[tuple[str, float]]]:
        """Seconds of each call of one inference, by the called function's name, in order.

        Measured in `count` inferences on the last inputs, after one that does not count, by the
        device's clock, around each call where it happens. The model is watched from then on, which
        makes it slower: take `samples` before. Raises InputError before any inputs were set, and
        DeviceError from a server that cannot watch, such as TVM's own.
        """
        if not self._ready:
            raise InputError("the model has no inputs yet", advice="call run or set_inputs first")
        with self._calls.remote("timing each operator", " (only depthbench's server can)"):
            self._machine.module["set_instrument"]("depthbench.profile")
            fetch = self._calls.function("depthbench.profile_times")
            inferences = []
            for _ in range(count + 1):
                self._machine.invoke_stateful(self._function)
                inferences.append([_call(line) for line in str(fetch()).splitlines()])
        return inferences[1:]

    def _ordered(self, inputs: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> list[np.ndarray]:
        if isinstance(inputs, Mapping):
            if set(inputs) != set(self.inputs):
                raise InputError(
                    f"the model takes the inputs {', '.join(self.inputs)}; "
                    f"given: {', '.join(inputs) or 'none'}"
                )
            return [inputs[name] for name in self.inputs]
        if len(inputs) != len(self.inputs):
            raise InputError(f"the model takes {len(self.inputs)} inputs; given: {len(inputs)}")
        return list(inputs)


def _call(line: str) -> tuple[str, float]:
    name, _, nanoseconds = line.rpartition(" ")
    return name, int(nanoseconds) / 1e9


def _flat(value: Any) -> list[Any]:
    """The tensors of a nested tuple of outputs, in order."""
    if hasattr(value, "numpy"):
        return [value]
    return [tensor for item in value for tensor in _flat(item)]
