"""A phone or board that runs the bundle itself: its server, started and ended through a transport.

No root, no app, nothing to install: the bundle lies in a folder that programs can be run from, one
shell runs the server, and two rules carry its connections. All of it ends with the `with` block;
the bundle stays there for the next run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import Any

from android_rpc.bundle.bundle import Bundle, build_bundle
from android_rpc.deployment.device_lock import lock_device
from android_rpc.deployment.installation import install_bundle
from android_rpc.deployment.native_server import native_server
from android_rpc.devices.crash_diagnosis import diagnosed
from android_rpc.devices.device import Device, Endpoint
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.device_state import read_state, read_temperatures
from android_rpc.telemetry.fuel_gauge import GAUGE_FILES, gauge_files
from android_rpc.telemetry.recorder import SESSIONS, Reading, Recorder
from android_rpc.telemetry.thermal import Limits, wait_until_cool
from android_rpc.telemetry.topology import format_core_list
from android_rpc.tracker.registration import describe, wait_until_registered
from android_rpc.tracker.tcp_proxy import open_proxy
from android_rpc.tracker.tracker import LOOPBACK, AnyTracker
from android_rpc.transport import Transport
from depthbench.errors import InputError
from depthbench.plural import counted
from depthbench.progress import Progress

EMULATED_NOTE = (
    "emulated: the device says that it is an emulator; the outputs are those of a phone's code, "
    "the times are the emulator's and not a latency of any phone"
)


class NativeDevice(Device):
    """What `transport` reaches.

    `properties` say what it is: its `model`, and whether it is `emulated` ("yes" or "no"), among
    others. `cores` are the ones to compute on; by default all Cortex-A76 of the fastest cluster,
    or where there is none the fastest cluster. Raises DeviceError when it does not answer,
    InputError when a core is not there.
    """

    def __init__(
        self,
        transport: Transport,
        properties: Mapping[str, str],
        bundle: Bundle | None = None,
        threads: int = 1,
        cores: Sequence[int] | None = None,
        limits: Limits | None = None,
        progress: Progress = lambda line: None,
    ) -> None:
        self.transport = transport
        self.properties = properties
        self.emulated = properties["emulated"] == "yes"
        self.name = transport.name
        kind = self.name.partition(":")[0]
        self.key = f"{'emulated-' if self.emulated else ''}{kind}-{secrets.token_hex(8)}"
        self._all_cores = sysfs.read_cores(transport)
        self.cores = self._check_cores(cores) if cores else sysfs.choose_cores(transport, threads)
        if threads > len(self.cores):
            raise InputError(
                f"{transport}: {threads} threads on {counted(len(self.cores), 'core')}, "
                f"{format_core_list(self.cores)}",
                advice="ask for fewer --threads or more --cores",
            )
        self._named = bool(cores)
        self._bundle = bundle
        self._threads = threads
        self.limits = limits or Limits()
        self._progress = progress
        self._server: int | None = None
        self._recorder: Recorder | None = None
        self._waited_s = 0.0
        self.listen = LOOPBACK

    @contextmanager
    def serve(self, tracker: AnyTracker) -> Iterator[Endpoint]:
        """Runs the server on the device, registered with `tracker` through the transport.

        Clients find it at this machine's address `listen`, by default loopback.
        Raises DeviceError when it does not come up, and when the device is lost meanwhile.
        """
        bundle = self._get_bundle()
        # What ends it is found out first, then all is undone.
        with ExitStack() as stack, self.transport.kept(self.properties["model"]):
            stack.callback(self.transport.close)
            lock = stack.enter_context(lock_device(self.transport, self._progress))
            folder, _ = install_bundle(lock, bundle, self._progress)
            run = self.transport.home / f"run-{secrets.token_hex(8)}"
            work = stack.enter_context(lock.folder(run))
            self.record(stack, work)
            near = stack.enter_context(open_proxy(LOOPBACK, (tracker.host, tracker.port)))
            tracker_port = stack.enter_context(lock.reverse(near))
            about, identity = describe(self.about())
            words = [*bundle.command(folder), "--about", about, "--key", self.key]
            words += ["--work", str(work / SESSIONS), "--tracker", f"{LOOPBACK}:{tracker_port}"]
            words += ["--threads", str(self._threads), "--cpus", ",".join(map(str, self.cores))]
            words += ["--extras", "--die-with-stdin"]
            server = stack.enter_context(native_server(lock, words, self.listen, self.name))
            self._server = server.number
            stack.callback(self._forget_server)
            # The session needs TVM; the device is busy starting.
            import tvm.rpc  # noqa: F401

            wait_until_registered(tracker, server.shell, self.key, identity, self.name)
            with diagnosed(self.name, server.shell):
                yield Endpoint(tracker.host, tracker.port, self.key)

    @property
    def present(self) -> bool:
        """Whether the device can be reached and answers."""
        return self.transport.connected

    def prepare(self) -> None:
        """Waits until battery and CPU are cool enough to be measured; DeviceError after long."""
        self._waited_s += wait_until_cool(
            self.name, lambda: read_temperatures(self.transport), self.limits, self._progress
        )

    def about(self) -> dict[str, Any]:
        """Name, device, cores to be used, threads, bundle: what stays as it is."""
        names = {core.number: core.name for core in self._all_cores}
        return {
            "name": self.name,
            "serial": self.transport.serial,
            **self.properties,
            "emulated": self.emulated,
            "cpu_model": ", ".join(sorted({names.get(core, "unknown") for core in self.cores})),
            "cpus": list(self.cores),
            "cpus_named": self._named,
            "cpu_parts": {str(core.number): core.code for core in self._all_cores},
            "threads": self._threads,
            "bundle_sha256": self._get_bundle().sha256,
        }

    def conditions(self) -> dict[str, Any]:
        """Device, cores asked for and used, threads, governor, clocks, temperatures, battery.

        During `serve` also what they were since its start (`during`).
        """
        files = sysfs.read_files(self.transport, sysfs.CLOCK_FILES)
        used = {
            name: {str(core): khz / 1e3 for core, khz in values.items() if core in self.cores}
            for name, values in (
                ("clocks_mhz", sysfs.clock_values(files, "scaling_cur_freq")),
                ("clock_limits_mhz", sysfs.clock_values(files, "scaling_max_freq")),
            )
        }
        kept = sorted({name for core, name in sysfs.governors(files).items() if core in self.cores})
        about = self.about()
        conditions: dict[str, Any] = {
            "device": about.pop("name"),
            **about,
            "governor": ", ".join(kept) or None,
            **used,
            **read_state(self.transport).as_conditions(),
            "waited_to_cool_s": round(self._waited_s, 1),
        }
        if self._server is not None:
            conditions |= sysfs.read_threads(self.transport, self._server)
        if self._recorder is not None:
            conditions["during"] = self._recorder.summary()
        if self.emulated:
            conditions["note"] = EMULATED_NOTE
        return conditions

    def sample(self) -> None:
        """Has the recorder take a sample now."""
        if self._recorder is not None:
            self._recorder.sample()

    def readings(self) -> list[Reading]:
        """What the recorder has taken since `serve` began."""
        return self._recorder.readings() if self._recorder is not None else []

    def _check_cores(self, cores: Sequence[int]) -> list[int]:
        there = [core.number for core in self._all_cores]
        if missing := sorted(set(cores) - set(there)):
            raise InputError(
                f"{self.transport} has no core {format_core_list(missing)}",
                advice=f"it has {format_core_list(there)}",
            )
        return sorted(set(cores))

    def _get_bundle(self) -> Bundle:
        if self._bundle is None:
            self._bundle = build_bundle(progress=self._progress)
        return self._bundle

    def _forget_server(self) -> None:
        self._server = self._recorder = None

    def record(self, stack: ExitStack, work: PurePosixPath) -> None:
        """Records clocks and temperatures in the folder `work` of the device, until `stack` ends.

        The folder is removed with it.
        """
        zones = {
            f"{path.rpartition('/')[0]}/temp": kind
            for path, kind in sysfs.read_files(self.transport, sysfs.ZONE_FILES).items()
            if path.endswith("/type")
        }
        gauge = gauge_files(sysfs.read_files(self.transport, GAUGE_FILES))
        self._recorder = Recorder(self.transport, work, self.cores, zones, gauge)
        others = [core for core in self._all_cores if core.number not in self.cores]
        stack.enter_context(self._recorder.run(others))
