"""Run a model that was compiled for this machine."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.artefact import Artefact
from compile.onnx.checked_model import Port
from compile.runtime.aligned_array import CACHE_LINE, aligned_empty
from compile.runtime.threads import use_threads
from depthbench.errors import InputError

if TYPE_CHECKING:
    from tvm.relax import VMExecutable
    from tvm.runtime import Module, Tensor


class HostModel:
    """An artefact of the target `host`, loaded into this process.

    It runs on as many threads as it was compiled for. Raises InputError for an artefact of another
    target, or of another processor than this one.
    """

    def __init__(self, artefact: Artefact) -> None:
        from compile import targets

        target = artefact.manifest["target"]
        here = targets.get("host")
        if target["name"] != "host":
            raise InputError(
                f"{artefact.folder}: compiled for {target['name']}, only host runs in this process"
            )
        if target["processor"] != here.processor:
            raise InputError(
                f"{artefact.folder}: compiled for another processor ({target['processor']}; "
                f"this is {here.processor}); compile again"
            )
        self._machine = load_machine(artefact.library, artefact.manifest["threads"])
        self._inputs = {
            port["name"]: (tuple(port["shape"]), np.dtype(port["dtype"]))
            for port in artefact.manifest["inputs"]
        }
        self._outputs = [port["name"] for port in artefact.manifest["outputs"]]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """One inference: arrays by input name to arrays by output name.

        Raises InputError where an input is missing, unknown, or of another shape or type.
        """
        results = self._machine.run(self._in_order(inputs))
        return dict(zip(self._outputs, results, strict=True))

    def call_times(
        self, inputs: Mapping[str, np.ndarray], count: int
    ) -> list[list[tuple[str, float]]]:
        """What `Machine.call_times` does."""
        return self._machine.call_times(self._in_order(inputs), count)

    def _in_order(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        if inputs.keys() != self._inputs.keys():
            raise InputError(f"inputs must be {sorted(self._inputs)}, not {sorted(inputs)}")
        for name, (shape, dtype) in self._inputs.items():
            array = inputs[name]
            if array.shape != shape or array.dtype != dtype:
                raise InputError(
                    f"input {name!r} must be {dtype} of shape {shape}, "
                    f"not {array.dtype} of {array.shape}"
                )
        return [inputs[name] for name in self._inputs]


class Machine:
    """TVM's virtual machine on a compiled module or executable, on this machine's CPU.

    After an inference the caches no longer hold Python's code: each call beside it takes several
    times as long as in a loop of its own. So little is called.
    """

    def __init__(self, module: VMExecutable | Module, threads: int = 1) -> None:
        import tvm
        from tvm import relax
        from tvm_ffi import from_dlpack

        use_threads(threads)
        self._threads = threads
        self._from_dlpack = from_dlpack
        self._kept: dict[int, tuple[np.ndarray, Tensor]] = {}
        self._module = module
        self._main = relax.VirtualMachine(module, tvm.cpu())["main"]

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Arrays in the model's order to arrays in the model's order.

        Arrays that begin on a cache line are read where they lie, others are copied first. The
        results cannot be written to: they may be constants of the model.
        """
        use_threads(self._threads)
        tensors = [self._tensor(place, array) for place, array in enumerate(inputs)]
        result = self._main(*tensors)
        results = [result] if hasattr(result, "data_ptr") else list(result)
        read = {one.data_ptr() for one in tensors}
        arrays = []
        for one in results:
            array = np.from_dlpack(one)
            # A model may hand an input through: that memory is not the caller's to keep.
            if one.data_ptr() in read:
                array = array.copy()
            array.setflags(write=False)
            arrays.append(array)
        return arrays

    def call_times(self, inputs: Sequence[np.ndarray], count: int) -> list[list[tuple[str, float]]]:
        """Seconds of each call of one inference, by the called function's name, in order.

        Measured in `count` inferences, after one that does not count, in CPU time; by the clock
        on several threads.
        """
        import tvm
        from tvm import relax

        calls: list[tuple[str, float]] = []
        begin: list[float] = []
        # What else the machine does is not in a thread's own time, but neither are its helpers.
        clock = time.thread_time if self._threads == 1 else time.perf_counter

        def watch(_: Any, name: str, before: bool, *rest: Any) -> None:
            if before:
                begin.append(clock())
            else:
                calls.append((name, clock() - begin.pop()))

        # Another one: what is watched is slower.
        machine = relax.VirtualMachine(self._module, tvm.cpu())
        machine.set_instrument(watch)
        use_threads(self._threads)
        tensors = [self._tensor(place, array) for place, array in enumerate(inputs)]
        inferences = []
        for _ in range(count + 1):
            machine["main"](*tensors)
            inferences.append(list(calls))
            calls.clear()
        return inferences[1:]

    def _tensor(self, place: int, array: np.ndarray) -> Tensor:
        flags = array.flags
        if flags.c_contiguous and flags.writeable:
            tensor = self._from_dlpack(array)
            if tensor.data_ptr() % CACHE_LINE == 0:
                return tensor
        kept = self._kept.get(place)
        if kept is None or (kept[0].shape, kept[0].dtype) != (array.shape, array.dtype):
            # Fresh pages would cost more than the copy.
            memory = aligned_empty(array.shape, str(array.dtype))
            kept = self._kept[place] = memory, self._from_dlpack(memory)
        memory, tensor = kept
        memory[...] = array
        return tensor


def load_machine(library: Path, threads: int = 1) -> Machine:
    """The machine that runs a linked library, as its content is now.

    The dynamic linker knows libraries by path and inode, and gives the one that it loaded before:
    a copy of its own makes sure of the content, and of a file that is written over later.
    """
    import tvm

    with tempfile.TemporaryDirectory(prefix="depthbench-library-") as folder:
        copy = shutil.copyfile(library, Path(folder) / library.name)
        return Machine(tvm.runtime.load_module(str(copy)), threads)


def by_name(
    machine: Machine, inputs: Sequence[Port], outputs: Sequence[str]
) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """A machine as a function from arrays by name to arrays by name."""

    def run(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = machine.run([arrays[port.name] for port in inputs])
        return dict(zip(outputs, results, strict=True))

    return run
