"""How is a device used that somebody else serves?

`tracker:HOST:PORT/KEY` names the devices with that key at a tracker that already runs, here or on
another machine: TVM's own way to share a farm of phones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from android_rpc.devices.device import Endpoint
from android_rpc.telemetry.thermal import Limits, Temperatures, wait_until_cool
from android_rpc.tracker.tracker import AnyTracker
from android_rpc.tracker.tracker_client import TrackerClient
from android_rpc.tracker.tracker_lease import Claim
from depthbench.errors import DeviceError, InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.session import Session

BATTERY = "/sys/class/power_supply/battery/temp"
SPECIFICATION = re.compile(r"tracker:(?P<host>[^:/\s]+):(?P<port>\d{1,5})/(?P<key>[\w.-]{1,100})")
WAIT_S = 10.0
TAKE_S = 60.0


def parse_tracker(address: str, key: str | None) -> tuple[str, int, str | None]:
    """Host, port and key of HOST:PORT and a key, if there is one; InputError if they are none."""
    match = SPECIFICATION.fullmatch(f"tracker:{address}/{key or 'any'}")
    if match is None or not 0 < int(match["port"]) < 65536:
        raise InputError(
            f"tracker {address!r}, key {key!r}: write HOST:PORT, for example 127.0.0.1:9190, and a "
            "key of letters, digits and -_."
        )
    return match["host"], int(match["port"]), key


class RemoteDevice:
    """A device at a tracker that runs elsewhere; nothing is started or ended here.

    Of several with the same key it is the one that is free first, from `take` or `serve` on; then
    it has that one's `name`. Raises InputError when `specification` is not of the form
    tracker:HOST:PORT/KEY. A device is emulated when it says so, or its key begins with "emulated".
    """

    def __init__(
        self,
        specification: str,
        threads: int = 1,
        progress: Progress = lambda line: None,
    ) -> None:
        match = SPECIFICATION.fullmatch(specification)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise InputError(
                f"{specification!r}: not a device at a tracker; write tracker:HOST:PORT/KEY, "
                "for example tracker:127.0.0.1:9190/arm64-a76"
            )
        self.specification = specification
        self.name = specification
        self.host = self.listen = match["host"]
        self.port = int(match["port"])
        self.key = match["key"]
        self.emulated = self.key.startswith("emulated")
        self._threads = threads
        self._progress = progress
        self._waited_s = 0.0
        self.claim = Claim(self.host, self.port, self.key, hold=True)

    def take(
        self, wait_s: float = TAKE_S, while_waiting: Callable[[], None] = lambda: None
    ) -> None:
        """Becomes a device that is free, and raises what `Claim.take` raises.

        Raises InputError when it has fewer threads than were asked for.
        """
        self.claim.take(wait_s, while_waiting)
        about, address = self.claim.about, self.claim.address
        assert address is not None
        self.name = self._name_of(address, about)
        self.emulated = self.emulated or bool(about.get("emulated"))
        if about.get("threads", self._threads) < self._threads:
            self.claim.release()
            raise InputError(
                f"{self.name} at {self.specification} runs {about['threads']} thread(s), not "
                f"{self._threads}: serve it with --threads {self._threads}"
            )

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

    @contextmanager
    def serve(self, tracker: AnyTracker | None = None) -> Iterator[Endpoint]:
        """Takes a device at its own tracker, where that was not done, for the block.

        `tracker` is not used. Raises what `devices` and `take` raise.
        """
        import tvm.rpc  # noqa: F401  # takes a moment, and a device waits a moment only

        if self.claim.address is None:
            self.devices()
            self.take()
        try:
            yield Endpoint(self.host, self.port, self.key, self.claim)
        finally:
            self.claim.release()

    def prepare(self) -> None:
        """Its temperature can be asked for in a session only: see `settle`."""

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
        about = {key: value for key, value in self.claim.about.items() if key not in ("name", "id")}
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
        return Temperatures(int(session.read_file(BATTERY)) / 10, {})
    except (DeviceError, ValueError):
        return Temperatures(None, {})
