"""A phone's CPU, emulated on this machine.

The emulated phone is the very bundle that a phone gets, under QEMU's user-mode emulation of a
Cortex-A76: the same instructions, one after the other, but none of the timing.
"""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from android_rpc.bundle.bundle import Bundle, build_bundle
from android_rpc.devices.crash_diagnosis import diagnosed
from android_rpc.devices.device import Device, Endpoint
from android_rpc.devices.kind import DeviceKind, Setup
from android_rpc.tracker.registration import describe, wait_until_registered
from android_rpc.tracker.tracker import LOOPBACK, AnyTracker
from depthbench.emulator import CPU_MODEL, emulator_version, find_emulator
from depthbench.processes import child_process
from depthbench.progress import Progress


class EmulatedPhone(Device):
    """A Cortex-A76 under QEMU, with `threads` threads for every model, on the CPUs `cpus` if given.

    Raises ToolMissing, with the command that installs it, when QEMU is not there.
    """

    name = "emulated-a76"
    emulated = True
    listen = LOOPBACK

    def __init__(
        self,
        bundle: Bundle | None = None,
        threads: int = 1,
        cpus: Sequence[int] = (),
        progress: Progress = lambda line: None,
    ) -> None:
        self.key = f"{self.name}-{secrets.token_hex(8)}"
        self._emulator = find_emulator()
        self._bundle = bundle
        self._threads = threads
        self._cpus = tuple(cpus)
        self._progress = progress

    @contextmanager
    def serve(self, tracker: AnyTracker) -> Iterator[Endpoint]:
        """Runs the server on the address `listen`, by default loopback, registered with `tracker`.

        Raises DeviceError when the server ends or is not registered within a minute.
        """
        bundle = self._get_bundle()
        with ExitStack() as stack:
            # the server removes it as well, for the case that this process cannot
            work = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="depthbench-phone-", ignore_cleanup_errors=True)
            )
            command = [self._emulator, "-cpu", CPU_MODEL, *bundle.command()]
            command += ["--key", self.key, "--work", work, "--extras"]
            command += ["--tracker", f"{tracker.host}:{tracker.port}"]
            command += ["--threads", str(self._threads), "--die-with-stdin"]
            command += ["--listen", f"{self.listen}:0"]
            about, identity = describe(self.about())
            command += ["--about", about]
            if self._cpus:
                command += ["--cpus", ",".join(map(str, self._cpus))]
            # nothing of the user's environment may reach the emulated program
            environment = {"PATH": os.environ.get("PATH", os.defpath)}
            server = stack.enter_context(child_process(command, environment))
            # The session needs TVM; the tracker's process is busy importing it as well.
            import tvm.rpc  # noqa: F401

            wait_until_registered(tracker, server, self.key, identity, self.name)
            with diagnosed(self.name, server):
                yield Endpoint(tracker.host, tracker.port, self.key)

    @property
    def shared_name(self) -> str:
        """A new one: many emulated phones may be at one tracker."""
        return f"{self.name}-{secrets.token_hex(4)}"

    def about(self) -> dict[str, Any]:
        """Name, emulator, CPU model, host CPU, threads, bundle."""
        return {
            "name": self.name,
            "emulated": True,
            "emulator": emulator_version(self._emulator),
            "cpu_model": CPU_MODEL,
            "host_cpu": host_cpu(),
            "threads": self._threads,
            "cpus": list(self._cpus),
            "bundle_sha256": self._get_bundle().sha256,
        }

    def conditions(self) -> dict[str, Any]:
        """What `about` says, and that a time is no latency."""
        about = self.about()
        return {
            "device": about.pop("name"),
            **about,
            "note": "emulated: the outputs are those of the phone's code, "
            "the times are the emulator's and not a latency of any phone",
        }

    def _get_bundle(self) -> Bundle:
        if self._bundle is None:
            self._bundle = build_bundle(progress=self._progress)
        return self._bundle


def host_cpu() -> str:
    """The model of this machine's CPU, as the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        field, _, value = line.partition(":")
        if field.strip() == "model name":
            return value.strip()
    return platform.machine()


def _open(specification: str, setup: Setup) -> Device:
    return EmulatedPhone(threads=setup.threads, progress=setup.progress)


KIND = DeviceKind(
    name="emulated",
    aliases=(EmulatedPhone.name,),
    forms={"emulated": "a Cortex-A76 under QEMU on this machine"},
    open=_open,
    emulated=True,
    find=lambda: "emulated",
    found="a Cortex-A76 under QEMU",
)
