"""How does the phone's kernel set its clocks, and which cores does it switch off?

As schedutil and its kin do: a core that computes runs at its highest clock, one that idles at its
lowest, and the kernel counts the time at each. Cores that `system/isolating` names are switched
off when the phone has been idle for a moment, as core control does with big ones, and are back
when it is busy.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

TICK_S = 0.05
IDLE_S = 0.5
BUSY_TICKS = 6
"""A load of so many ticks in a row wakes cores; a single request does not."""
FIXED = ("performance", "powersave", "userspace")
CPU = "sys/devices/system/cpu"


class Governor(threading.Thread):
    """Sets the clocks of the phone at `root` by what runs on it, until this process ends."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._used: dict[Path, Counter[str]] = {}
        self._busy_at = time.monotonic()
        self._busy_ticks = 0
        isolating = root / "system/isolating"
        self._isolating = set(isolating.read_text().split()) if isolating.exists() else set()
        self._cpuinfo = (root / "system/cpuinfo").read_text()

    def run(self) -> None:
        while True:
            busy = running_on()
            self._busy_ticks = self._busy_ticks + 1 if busy else 0
            if self._busy_ticks >= BUSY_TICKS:
                self._busy_at = time.monotonic()
            for policy in (self._root / CPU).glob("cpu[0-9]*/cpufreq"):
                with suppress(OSError):  # a test is changing it
                    self._set_clock(policy, policy.parent.name.removeprefix("cpu") in busy)
            if self._isolating:
                idle = time.monotonic() - self._busy_at > IDLE_S
                self._list_cores(without=self._isolating if idle else set())
            time.sleep(TICK_S)

    def _set_clock(self, policy: Path, busy: bool) -> None:
        lowest = policy / "scaling_min_freq"
        if not lowest.exists() or (policy / "scaling_governor").read_text().strip() in FIXED:
            return
        khz = (policy / "scaling_max_freq" if busy else lowest).read_text().strip()
        replace(policy / "scaling_cur_freq", f"{khz}\n")
        used = self._used.setdefault(policy, Counter())
        used[khz] += round(TICK_S * 100)
        (policy / "stats").mkdir(exist_ok=True)
        lines = (f"{clock} {ticks}\n" for clock, ticks in sorted(used.items()))
        replace(policy / "stats/time_in_state", "".join(lines))

    def _list_cores(self, without: set[str]) -> None:
        entries = re.split(r"(?=^processor)", self._cpuinfo, flags=re.MULTILINE)
        off = tuple(f"processor\t: {core}\n" for core in without)
        listed = "".join(entry for entry in entries if not off or not entry.startswith(off))
        file = self._root / "system/cpuinfo"  # bound to /proc/cpuinfo: in place
        if file.read_text() != listed:
            file.write_text(listed)


def running_on() -> set[str]:
    """The cores on which threads of the phone's programs run now, but for this process."""
    cores = set()
    for stat in Path("/proc").glob("[0-9]*/task/[0-9]*/stat"):
        with suppress(OSError):
            words = stat.read_text().rpartition(")")[2].split()
            if words[0] == "R" and stat.parts[2] != str(os.getpid()):
                cores.add(words[36])
    return cores


def replace(path: Path, text: str) -> None:
    """Readers see the old text or the new one, and never none."""
    new = path.with_name(f".{path.name}")
    new.write_text(text)
    new.rename(path)
