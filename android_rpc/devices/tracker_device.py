"""Devices that somebody else serves, at a tracker that already runs, here or on another machine.

`tracker:HOST:PORT/KEY` names those with that key: TVM's own way to share a farm of phones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from android_rpc.devices.device import Device, Endpoint
from android_rpc.devices.device_pool import CHECK_S, PATIENCE_S, DevicePool, WhileWaiting
from android_rpc.devices.kind import DeviceKind, Setup
from android_rpc.telemetry.battery import battery_celsius
from android_rpc.telemetry.thermal import BATTERY_FILE, Limits, Temperatures, wait_until_cool
from android_rpc.tracker.tracker import AnyTracker
from android_rpc.tracker.tracker_address import FORM, parse_device
from android_rpc.tracker.tracker_client import TrackerClient
from android_rpc.tracker.tracker_lease import DeviceLease
from depthbench.errors import DeviceError, InputError
from depthbench.plural import counted
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.session import Session

WAIT_S = 10.0
TAKE_S = 60.0
FOR_EVER_S = 7 * 24 * 3600.0


class TrackerDevice(Device):
    """A device at a tracker that runs elsewhere; nothing is started or ended here.

    Of several with the same key it is the one that is free first, from `take` or `reach` on; then
    it has that one's `name`. Raises InputError when `specification` is not of the form
    tracker:HOST:PORT/KEY. A device is emulated when it says so, or its key begins with "emulated".
    """

    def __init__(
        self, specification: str, threads: int = 1, progress: Progress = lambda line: None
    ) -> None:
        self.host, self.port, self.key = parse_device(specification)
        self.specification = self.name = specification
        self.listen = self.host
        self.emulated = self.key.startswith("emulated")
        self.lease = DeviceLease(self.host, self.port, self.key, hold=True)
        self._threads = threads
        self._progress = progress
        self._waited_s = 0.0

    def another(self) -> TrackerDevice:
        """A device with the same key at the same tracker, not taken yet."""
        return TrackerDevice(self.specification, self._threads, self._progress)

    def take(
        self, wait_s: float = TAKE_S, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        """Becomes a device that is free, and raises what `DeviceLease.take` raises.

        Raises InputError when it has fewer threads than were asked for.
        """
        self.lease.take(wait_s, while_waiting)
        about, address = self.lease.about, self.lease.address
        assert address is not None
        self.name = self._name_of(address, about)
        self.emulated = self.emulated or bool(about.get("emulated"))
        if about.get("threads", self._threads) < self._threads:
            self.release()
            raise InputError(
                f"{self.name} at {self.specification} runs {counted(about['threads'], 'thread')}, "
                f"not {self._threads}",
                advice=f"serve it with --threads {self._threads}",
            )

    def release(self) -> None:
        """Lets others have the device; may be called again."""
        self.lease.release()

    def devices(self) -> dict[tuple[str, int], str]:
        """The names of all devices with this key that are registered now, by address.

        Raises DeviceError when the tracker does not answer or has none.
        """
        with TrackerClient(self.host, self.port, WAIT_S) as client:
            if found := client.servers(self.key):
                return {address: self._name_of(address, about) for address, about in found.items()}
            keys = {server["key"].partition(":")[2] for server in client.summary()["server_info"]}
        offered = ", ".join(sorted(keys)) or "none"
        raise DeviceError(
            f"{self.host}:{self.port}: no device has the key {self.key!r}; keys: {offered}"
        )

    def _name_of(self, address: tuple[str, int], about: Mapping[str, Any]) -> str:
        host, port = address
        return str(about.get("name") or f"{self.key} at {host}:{port}")

    def serve(self, tracker: AnyTracker) -> AbstractContextManager[Endpoint]:
        """Raises InputError: somebody else serves it."""
        raise InputError(
            f"{self.specification}: is served elsewhere already",
            advice="serve a device of this machine",
        )

    @contextmanager
    def reach(self) -> Iterator[Endpoint]:
        """Takes a device at its own tracker, where that was not done, for the block.

        Raises what `devices` and `take` raise.
        """
        import tvm.rpc  # noqa: F401  # takes a moment, and a device waits a moment only

        if self.lease.address is None:
            self.devices()
            self.take()
        try:
            yield Endpoint(self.host, self.port, self.key, self.lease)
        finally:
            self.release()

    def settle(self, session: Session, limits: Limits | None = None) -> None:
        """Waits until its battery is cool enough to be measured, where the device tells.

        Raises DeviceError when it still is too warm after long.
        """
        if not self.emulated:
            limits = limits or Limits()
            self._waited_s += wait_until_cool(
                self.name, lambda: _temperatures(session), limits, self._progress
            )

    def conditions(self) -> dict[str, Any]:
        """Where the device is, and what it is where its server says so."""
        about = {key: value for key, value in self.lease.about.items() if key not in ("name", "id")}
        return {
            "device": self.name,
            **about,
            "emulated": self.emulated,
            "tracker": f"{self.host}:{self.port}",
            "key": self.key,
            "waited_to_cool_s": round(self._waited_s, 1),
            "note": "served elsewhere: its load and the temperature of its cores were not "
            "controlled here",
        }


def _temperatures(session: Session) -> Temperatures:
    """The battery's, where the device lets it be read."""
    try:
        return Temperatures(battery_celsius(session.read_file(BATTERY_FILE).strip()))
    except DeviceError:
        return Temperatures()


class TrackerDevicePool:
    """All devices with the key of `device` at its tracker; they may come and go."""

    shared = True

    def __init__(self, device: TrackerDevice) -> None:
        self._any = device

    def names(self) -> list[str]:
        """Those that are registered now; DeviceError when there is none."""
        return sorted(set(self._any.devices().values()))

    def take(self, while_waiting: WhileWaiting) -> Device:
        """See `DevicePool.take`; others who wait for a device have their turn."""
        import tvm.rpc  # noqa: F401  # takes a moment, and a device waits a moment only

        there_at = time.monotonic()

        def check() -> None:
            nonlocal there_at
            while_waiting()
            try:
                self._any.devices()
                there_at = time.monotonic()
            except DeviceError:
                if time.monotonic() - there_at > PATIENCE_S:
                    raise

        while True:
            device = self._any.another()
            try:
                device.take(FOR_EVER_S, check)
                return device
            except DeviceError:  # the tracker itself may be restarting
                check()
                time.sleep(CHECK_S)

    def give_back(self, device: Device, lost: bool = False) -> None:
        """See `DevicePool.give_back`."""
        device.release()


def _open(specification: str, setup: Setup) -> TrackerDevice:
    return TrackerDevice(specification, setup.threads, setup.progress)


def _open_pool(specification: str, setup: Setup) -> DevicePool:
    return TrackerDevicePool(_open(specification, setup))


KIND = DeviceKind(
    name="tracker",
    forms={FORM: "all devices that others lend at a tracker"},
    open=_open,
    open_pool=_open_pool,
)
