"""Telemetry of a device in a session: cores used, their clocks, battery temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from android_rpc.telemetry.thermal import BATTERY_FILE

if TYPE_CHECKING:
    from android_rpc.session import Session

CLOCK = "/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq"


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
    clocks = {str(core): _number(session, CLOCK.format(core=core)) for core in state["cores"]}
    known = {core: khz / 1e3 for core, khz in clocks.items() if khz}
    if known:
        state["clocks_mhz"] = known
    tenths = _number(session, BATTERY_FILE)
    if tenths is not None:
        state["battery_c"] = tenths / 10
    return state


def _number(session: Session, path: str) -> float | None:
    from depthbench.errors import DeviceError

    try:
        return float(session.read_file(path))
    except (DeviceError, ValueError):
        return None
