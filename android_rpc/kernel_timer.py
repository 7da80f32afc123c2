"""Times kernels on a device, each called alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from android_rpc.remote_calls import RemoteCalls


class RemoteKernels:
    """A library of kernels on a device; made by `Session.load_kernels`."""

    def __init__(self, calls: RemoteCalls, module: Any, device: Any) -> None:
        self._calls = calls
        self._module = module
        self._device = device

    def samples(
        self, name: str, tensors: Sequence[tuple[Sequence[int], str]], count: int, flush_bytes: int
    ) -> list[float]:
        """Seconds of one call of a kernel, `count` times, by the device's clock.

        `tensors` are the shapes and types of its arguments, which hold random numbers. Before each
        call, so many bytes are copied, which leaves the caches without its arguments. Raises
        DeviceError where the device cannot call it.
        """
        import numpy as np
        from tvm import runtime

        generator = np.random.default_rng(0)
        with self._calls.remote(f"timing {name}"):
            arguments = [
                runtime.tensor(generator.random(shape).astype(dtype), self._device)
                for shape, dtype in tensors
            ]
            evaluator = self._module.time_evaluator(
                name, self._device, number=1, repeat=count, cache_flush_bytes=flush_bytes
            )
            return [float(seconds) for seconds in evaluator(*arguments).results]
