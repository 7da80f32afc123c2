"""Telemetry of a device in a session: cores used, their clocks, battery temperature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from android_rpc.telemetry.battery import battery_celsius
from android_rpc.telemetry.thermal import BATTERY_FILE

if TYPE_CHECKING:
    from android_rpc.session import Session

POLICY = "/sys/devices/system/cpu/cpu{core}/cpufreq/"
CLOCK = f"{POLICY}scaling_cur_freq"
RESIDENCY = f"{POLICY}stats/time_in_state"
"""Lines of a clock in kHz and how long it was used, where the kernel counts that."""
NEAR = 0.05


class Files(Protocol):
    """What reads the files of a device: a session, or what else reaches it."""

    def read_file(self, path: str, /) -> str:
        """The text of a file; raises DeviceError where it cannot be read."""


def device_state(session: Session) -> dict[str, Any]:
    """Read `cores`, `clocks_mhz` (by core) and `battery_c` through an open session.

    What the device does not tell, or its server (TVM's own has no such functions), is left out.
    Not for an emulated device: user-mode emulation shows the host's files.
    """
    from depthbench.errors import DeviceError

    state: dict[str, Any] = {}
    try:
        state["cores"] = session.affinity()
    except DeviceError:
        return state
    clocks = {str(core): _clock(session, core) for core in state["cores"]}
    known = {core: khz / 1e3 for core, khz in clocks.items() if khz}
    if known:
        state["clocks_mhz"] = known
    celsius = battery_celsius(_read(session, BATTERY_FILE).strip())
    if celsius is not None:
        state["battery_c"] = celsius
    return state


class TimedClocks:
    """The clocks of a session's cores while it is timed.

    Of kernels that count how long each clock was used, over all that time; of others `sample` is
    to be called right after each inference or few, when the clock is still that of the load.
    """

    def __init__(self, session: Files, cores: Sequence[int]) -> None:
        self._session = session
        self._counted = {core: _residency(session, core) for core in cores}
        self._sampled: dict[int, Counter[int]] = {core: Counter() for core in cores}

    def sample(self) -> None:
        """Notes the clocks of now, of cores whose kernel does not count."""
        for core, seen in self._sampled.items():
            if not self._counted[core] and (khz := _clock(self._session, core)):
                seen[khz] += 1

    def mhz(self) -> dict[str, list[float]]:
        """The usual clock of each core, in MHz, and the share of the time within 5 % of it.

        A core of which nothing is told is left out.
        """
        found = {}
        for core, before in self._counted.items():
            used = self._sampled[core]
            if before:
                used = _residency(self._session, core) - before
            if used:
                found[str(core)] = _usual(used)
        return found


def _usual(used: Counter[int]) -> list[float]:
    """The median clock in MHz, weighted by time, and the share of the time near it."""
    total, passed = used.total(), 0
    for khz in sorted(used):
        passed += used[khz]
        if 2 * passed >= total:
            break
    near = sum(time for other, time in used.items() if abs(other / khz - 1) <= NEAR)
    return [khz / 1e3, round(near / total, 3)]


def _residency(session: Files, core: int) -> Counter[int]:
    lines = _read(session, RESIDENCY.format(core=core)).splitlines()
    pairs = [words for line in lines if len(words := line.split()) == 2]
    return Counter({int(k): int(t) for k, t in pairs if k.isdigit() and t.isdigit() and int(k)})


def _clock(session: Files, core: int) -> int:
    text = _read(session, CLOCK.format(core=core)).strip()
    return int(text) if text.isdigit() else 0


def _read(session: Files, path: str) -> str:
    from depthbench.errors import DeviceError

    try:
        return session.read_file(path)
    except DeviceError:
        return ""
