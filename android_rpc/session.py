"""Sessions with a device, and what can be loaded in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from android_rpc import remote_calls
from android_rpc.kernel_timer import RemoteKernels
from android_rpc.remote_calls import RemoteCalls
from android_rpc.remote_model import RemoteModel
from android_rpc.server_identity import ServerIdentity, parse_identity
from android_rpc.tracker.tracker_lease import DeviceLease
from android_rpc.tracker.watchdog import Watchdog
from depthbench.errors import InputError

SESSION_LIMIT_S = 600.0
WAIT_S = 60.0


@contextlib.contextmanager
def open_session(
    host: str,
    port: int,
    key: str,
    lease: DeviceLease | None = None,
    timeout_s: float = SESSION_LIMIT_S,
    wait_s: float = WAIT_S,
) -> Iterator[Session]:
    """A session of at most `timeout_s` seconds with a device that the tracker lists under `key`.

    Waits up to `wait_s` seconds for the tracker and for the device to be free. The device is free
    again when the block ends, however it ends, unless a `lease` holds it. Raises DeviceError, in
    one line, when there is no such device, when it stops answering, and when the session runs
    into its limit.
    """
    lease = lease or DeviceLease(host, port, key)
    device, started, connection = lease.connect(timeout_s, wait_s)
    with Watchdog(*device, timeout_s + remote_calls.GRACE_S) as watchdog:
        try:
            name = str(lease.about.get("name") or f"device {key}")
            yield Session(connection, watchdog, name, started, timeout_s)
        except BaseException:
            # Whatever the device is doing, it shall not go on with it.
            watchdog.cut()
            raise
        finally:
            with contextlib.suppress(Exception):
                connection._sess["CloseRPCConnection"]()


class Session(RemoteCalls):
    """An open connection to a device; made by `open_session`."""

    _uploads = 0

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

    def read_file(self, path: str) -> str:
        """The text of a file in the device's /proc or /sys, at most 64 KB; others are refused."""
        with self.remote(f"reading {path}"):
            return str(self.function("depthbench.read_file")(path))

    def affinity(self) -> list[int]:
        """The numbers of the device's CPUs that this session's process may run on."""
        with self.remote("reading the affinity"):
            cpus = str(self.function("depthbench.affinity")())
        return [int(cpu) for cpu in cpus.split(",")]

    def identity(self) -> ServerIdentity:
        """What the device's server says it is; DeviceError when the device is lost."""
        with self.remote("asking what the server is"):
            try:
                function = self.function("depthbench.identity")
            except AttributeError:
                return ServerIdentity()
            return parse_identity(str(function()))


def _why_not_arm64(library: bytearray) -> str:
    """A hint for libraries that a phone cannot load (EM_AARCH64 is 183, EM_X86_64 is 62)."""
    if library[:4] != b"\x7fELF":
        return " (the file is not a shared library)"
    machine = int.from_bytes(library[18:20], "little")
    if machine == 183:
        return ""
    return f" (the library is for {'x86-64' if machine == 62 else f'ELF machine {machine}'})"
