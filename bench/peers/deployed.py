"""Runtimes on a device: the arm64 Python and its packages installed, a process for each."""

from __future__ import annotations

import json
import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from android_rpc.deployment.device_lock import DeviceLock
from android_rpc.deployment.installation import install_bundle, place_of
from android_rpc.transport import Transport
from bench.peers.device_tree import DevicePython
from bench.peers.peer import Setting
from bench.peers.program import NAME, write_program
from depthbench.progress import Progress


class Deployed:
    """A folder of this run on a device, and how the Python that lies there is started in it."""

    def __init__(
        self,
        transport: Transport,
        work: PurePosixPath,
        python: DevicePython,
        places: Mapping[str, PurePosixPath],
    ) -> None:
        self._transport, self.work = transport, work
        self._python, self._places = python, places

    def push(self, setting: Setting, prepared: Path) -> PurePosixPath:
        """Copies a model in a runtime's format, a file or a folder, into a folder of its own."""
        folder = self.work / setting.name
        self._transport.shell(f"mkdir {folder}")
        files = sorted(prepared.iterdir()) if prepared.is_dir() else [prepared]
        self._transport.push(files, str(folder))
        return folder if prepared.is_dir() else folder / prepared.name

    def command(
        self, setting: Setting, model: PurePosixPath, threads: int, cores: list[int]
    ) -> list[str]:
        """The words of a local process that serves the model, over there."""
        interpreter = self._places[self._python.interpreter.sha256]
        packages = [self._places[one.sha256] for one in self._python.packages[setting.runtime]]
        environment = {
            "PYTHONHOME": interpreter,
            "PYTHONPATH": ":".join(map(str, [interpreter / "lib", *packages])),
            "HOME": self.work,
            "TMPDIR": self.work,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": 1,
            "TVM_NUM_THREADS": threads,
            "TVM_BIND_THREADS": 0,
        }
        options = {"threads": threads, "precision": setting.precision, "cores": list(cores)}
        words = ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
        words += [*self._python.start(interpreter), "-s", "-B", str(self.work / NAME), "serve"]
        words += [setting.runtime, str(model), json.dumps(options)]
        return self._transport.command(f"exec {shlex.join(words)}")


@contextmanager
def deployed(
    lock: DeviceLock,
    python: DevicePython,
    announce: Callable[[str], None],
    progress: Progress = lambda line: None,
) -> Iterator[Deployed]:
    """The Python on the device, pushed where it is not there yet, and a folder for the block.

    Its size is told by `announce` before. The folder is gone after the block, with all that runs
    in it. Raises DeviceError when the device has no room.
    """
    transport = lock.transport
    there = transport.shell(f"ls {transport.home} 2>/dev/null; true").split()
    missing = [one for one in python.bundles if place_of(transport, one).name not in there]
    if missing:
        megabytes = sum(one.size for one in missing) / 1e6
        announce(f"{megabytes:.0f} MB of Python and runtimes are pushed to {transport}, once")
    places = {one.sha256: install_bundle(lock, one, progress)[0] for one in python.bundles}
    with (
        lock.folder(transport.home / f"run-{secrets.token_hex(8)}") as work,
        tempfile.TemporaryDirectory(prefix="depthbench-") as scratch,
    ):
        transport.push([write_program(Path(scratch))], str(work))
        yield Deployed(transport, work, python, places)
