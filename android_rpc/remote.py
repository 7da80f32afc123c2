"""How is a device used that somebody else serves?

`tracker:HOST:PORT/KEY` names any device with that key at a tracker that already runs, here or on
another machine: TVM's own way to share a farm of phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from android_rpc.device import Endpoint
from android_rpc.errors import DeviceError, InputError
from android_rpc.tracker import Tracker
from android_rpc.tracker_client import TrackerClient

SPECIFICATION = re.compile(r"tracker:(?P<host>[^:/\s]+):(?P<port>\d{1,5})/(?P<key>[\w.-]{1,100})")
WAIT_S = 10.0


class RemoteDevice:
    """A device at a tracker that runs elsewhere; nothing is started or ended here.

    Raises InputError when `specification` is not of the form tracker:HOST:PORT/KEY. Keys that
    begin with "emulated" are those of emulated phones, so that their times are marked as such.
    """

    def __init__(self, specification: str) -> None:
        match = SPECIFICATION.fullmatch(specification)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise InputError(
                f"{specification!r}: not a device at a tracker; write tracker:HOST:PORT/KEY, "
                "for example tracker:127.0.0.1:9190/arm64-a76"
            )
        self.name = specification
        self.host = match["host"]
        self.port = int(match["port"])
        self.key = match["key"]
        self.emulated = self.key.startswith("emulated")

    @contextmanager
    def serve(self, tracker: Tracker | None = None) -> Iterator[Endpoint]:
        """Checks that the device is registered at its own tracker; `tracker` is not used.

        Raises DeviceError when that tracker does not answer or has no such device.
        """
        with TrackerClient(self.host, self.port, WAIT_S) as client:
            if not client.serves(self.key):
                keys = {
                    server["key"].partition(":")[2] for server in client.summary()["server_info"]
                }
                offered = ", ".join(sorted(keys)) or "none"
                raise DeviceError(
                    f"{self.host}:{self.port}: no device has the key {self.key!r}; keys: {offered}"
                )
        yield Endpoint(self.host, self.port, self.key)

    def prepare(self) -> None:
        """Its temperature is not known here."""

    def conditions(self) -> dict[str, Any]:
        """Where the device is; what it is only its own host knows."""
        return {
            "device": self.name,
            "emulated": self.emulated,
            "tracker": f"{self.host}:{self.port}",
            "key": self.key,
            "note": "served elsewhere: its clock, temperature and load were not controlled here",
        }
