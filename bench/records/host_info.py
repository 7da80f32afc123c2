"""The host's hardware, clocks, load and versions, as conditions of a measurement."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
CPUFREQ = Path("/sys/devices/system/cpu/cpu0/cpufreq")


def host_conditions() -> dict[str, Any]:
    """CPU, cores, clocks (MHz, by core), governor, load and versions of this machine.

    What the machine does not tell is None. Nothing in it names the machine or its user.
    """
    import psutil

    clocks = [f.current for f in psutil.cpu_freq(percpu=True) or [] if f.current]
    return {
        "cpu": _cpu_model(),
        "machine": platform.machine(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "governor": _read(CPUFREQ / "scaling_governor"),
        "clocks_mhz": {str(core): round(clock) for core, clock in enumerate(clocks)} or None,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "loadavg_1min": round(os.getloadavg()[0], 2),
        "os": _os_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def _cpu_model() -> str | None:
    """The name of the CPU, or on arm64, which has none, the part number of its first core."""
    for key in ("model name", "CPU part"):
        for line in (_read(CPUINFO) or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return " ".join(value.split())
    return None


def _os_name() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
