"""How does a model run on a device?"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from android_rpc.tracker.tracker_lease import Claim
from android_rpc.watchdog import Watchdog
from depthbench.errors import ConnectionLost, DeviceError, InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import numpy as np

    from android_rpc.kernel_timer import RemoteKernels

SESSION_LIMIT_S = 600.0
WAIT_S = 60.0
# The server ends a session at its limit; this much later it is the device that is gone.
GRACE_S = 5.0
# What an error says, and what it means to people.
SHORTAGES = {
    "No space left on device": "no space left on the device: free some of its storage",
    "bad_alloc": "the device is out of memory: close apps on it",
}


@contextlib.contextmanager
def open_session(
    host: str,
    port: int,
    key: str,
    claim: Claim | None = None,
    timeout_s: float = SESSION_LIMIT_S,
    wait_s: float = WAIT_S,
) -> Iterator[Session]:
    """A session of at most `timeout_s` seconds with a device that the tracker lists under `key`.

    Waits up to `wait_s` seconds for the tracker and for the device to be free. The device is free
    again when the block ends, however it ends, unless a `claim` holds it. Raises DeviceError, in
    one line, when there is no such device, when it stops answering, and when the session runs
    into its limit.
    """
    claim = claim or Claim(host, port, key)
    device, started, connection = claim.connect(timeout_s, wait_s)
    with Watchdog(*device, timeout_s + GRACE_S) as watchdog:
        try:
            name = str(claim.about.get("name") or f"device {key}")
            yield Session(connection, watchdog, name, started, timeout_s)
        except BaseException:
            # Whatever the device is doing, it shall not go on with it.
            watchdog.cut()
            raise
        finally:
            with contextlib.suppress(Exception):
                connection._sess["CloseRPCConnection"]()


class Session:
    """An open connection to a device; made by `open_session`."""

    def __init__(
        self, connection: Any, watchdog: Watchdog, name: str, started: float, timeout_s: float
    ) -> None:
        self._connection = connection
        self._watchdog = watchdog
        self._name = name
        self._started = started
        self._timeout_s = timeout_s
        self._uploads = 0

    def load(self, library: Path, function: str = "main") -> RemoteModel:
        """Uploads a shared library compiled by Relax and opens its `function` on the device.

        Raises InputError when the file cannot be read, and DeviceError when the device cannot
        load it: built for another CPU, damaged, or of another version of TVM.
        """
        with self._uploaded(library) as name:
            from tvm import relax

            device = self._connection.cpu(0)
            machine = relax.VirtualMachine(self._connection.load_module(name), device)
            return RemoteModel(self, machine, device, function)

    def load_kernels(self, library: Path) -> RemoteKernels:
        """Uploads a library of kernels, to be called one by one; raises what `load` raises."""
        from android_rpc.kernel_timer import RemoteKernels

        with self._uploaded(library) as name:
            return RemoteKernels(self, self._connection.load_module(name), self._connection.cpu(0))

    @contextlib.contextmanager
    def _uploaded(self, library: Path) -> Iterator[str]:
        """The name of an uploaded library on the device, to be loaded in the block."""
        try:
            content = bytearray(library.read_bytes())
        except OSError as error:
            raise InputError(f"{library}: cannot be read ({error.strerror})") from error
        self._uploads += 1
        name = f"model-{self._uploads}.so"
        with self.remote(f"uploading {library.name}"):
            self._connection.upload(content, name)
        with self.remote(f"loading {library.name}", _why_not_arm64(content)):
            yield name

    def cut(self) -> None:
        """Ends the session from another thread, whatever it is doing: that then fails."""
        self._watchdog.cut()

    def read_file(self, path: str) -> str:
        """The text of a file in the device's /proc or /sys, at most 64 KB; others are refused."""
        with self.remote(f"reading {path}"):
            return str(self.function("depthbench.read_file")(path))

    def function(self, name: str) -> Any:
        """A global function of the device."""
        return self._connection.get_function(name)

    def affinity(self) -> list[int]:
        """The numbers of the device's CPUs that this session's process may run on."""
        with self.remote("reading the affinity"):
            cpus = str(self.function("depthbench.affinity")())
        return [int(cpu) for cpu in cpus.split(",")]

    @contextlib.contextmanager
    def remote(self, what: str, hint: str = "") -> Iterator[None]:
        """Turns any failure of the calls in the block into a DeviceError of one line."""
        try:
            yield
        except (InputError, DeviceError):
            raise
        except Exception as error:
            raise self._failure(error, what, hint) from error

    def _failure(self, error: Exception, what: str, hint: str) -> DeviceError:
        where = f"{self._name}: {what}"
        if self._watchdog.expired:
            waited = f"{self._timeout_s + GRACE_S:g} s"
            return DeviceError(
                f"{where}: no answer; gave up after {waited}: restart the device, and run again"
            )
        if time.monotonic() - self._started >= self._timeout_s:
            return DeviceError(
                f"{where}: the session reached its limit of {self._timeout_s:g} s: "
                "the model needs more, or never ends"
            )
        text = str(error)
        if "Channel closes" in text or "code=" in text or "Socket" in text:
            closed = "the device closed the connection (the model crashed, or the device is gone)"
            return ConnectionLost(f"{where}: {closed}{hint}", what)
        for sign, advice in SHORTAGES.items():
            if sign in text:
                return DeviceError(f"{where}: {advice}, and run again")
        return DeviceError(f"{where}: {one_line(error)}{hint}")


class RemoteModel:
    """A function of a compiled module, ready on a device; made by `Session.load`.

    `inputs` are the names of its parameters, in order.
    """

    def __init__(self, session: Session, machine: Any, device: Any, function: str) -> None:
        self._session = session
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
        with self._session.remote("setting the inputs"):
            self._machine.set_input(
                self._function,
                *(runtime.tensor(np.ascontiguousarray(array), self._device) for array in arrays),
            )
        self._ready = True

    def run(self, inputs: Mapping[str, np.ndarray] | Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for these inputs, nested tuples flattened, computed on the device."""
        self.set_inputs(inputs)
        with self._session.remote("running the model"):
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
            raise InputError("the model has no inputs yet: call run or set_inputs first")
        with self._session.remote("timing the model"):
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
            raise InputError("the model has no inputs yet: call run or set_inputs first")
        with self._session.remote("timing each operator", " (only depthbench's server can)"):
            self._machine.module["set_instrument"]("depthbench.profile")
            fetch = self._session.function("depthbench.profile_times")
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


def _why_not_arm64(library: bytearray) -> str:
    """A hint for libraries that a phone cannot load (EM_AARCH64 is 183, EM_X86_64 is 62)."""
    if library[:4] != b"\x7fELF":
        return " (the file is not a shared library)"
    machine = int.from_bytes(library[18:20], "little")
    if machine == 183:
        return ""
    return f" (the library is for {'x86-64' if machine == 62 else f'ELF machine {machine}'})"


def _flat(value: Any) -> list[Any]:
    """The tensors of a nested tuple of outputs, in order."""
    if hasattr(value, "numpy"):
        return [value]
    return [tensor for item in value for tensor in _flat(item)]
