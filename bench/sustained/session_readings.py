"""Readings through a session, of devices whose recorder is not ours: those of a tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from android_rpc.telemetry.fuel_gauge import GAUGE, SUPPLIES
from android_rpc.telemetry.recorder import UPTIME, Reading, parse_number
from android_rpc.telemetry.sysfs import CPU
from depthbench.errors import DeviceError

if TYPE_CHECKING:
    from android_rpc.session import Session


class SessionReadings:
    """Reads the clocks of the session's cores, and the battery, where the server lets them be read.

    What a device does not tell at first is not asked for again.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told = self._names()
        self.taken: list[Reading] = []

    def take(self) -> None:
        """Take a reading, of a device that tells its uptime."""
        read = {path: number for path in self._told if (number := self._read(path)) is not None}
        if UPTIME not in read:
            return
        named = {self._told[path]: value for path, value in read.items()}
        self.taken.append(
            Reading(
                read[UPTIME],
                {name: khz / 1e3 for name, khz in named.items() if name.isdigit()},
                battery={name: value for name, value in named.items() if name in GAUGE},
            )
        )

    def _names(self) -> dict[str, str]:
        """What each file tells: the number of a core, or a name of the gauge."""
        try:
            cores = self._session.affinity()
        except DeviceError:  # a server without such functions
            return {}
        files = {f"{CPU}{core}/cpufreq/scaling_cur_freq": str(core) for core in cores}
        files |= {f"{SUPPLIES}battery/{name}": name for name in GAUGE}
        files[UPTIME] = UPTIME
        return {path: name for path, name in files.items() if self._read(path) is not None}

    def _read(self, path: str) -> float | None:
        try:
            words = self._session.read_file(path).split()
        except DeviceError:
            return None
        return parse_number(words[0]) if words else None
