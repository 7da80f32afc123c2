"""Is a phone fit to be measured, and if not, what is to be done?

Checks in an order in which each needs those before it: the first that fails in a way that the
others cannot do without ends them, and they are reported as not reached.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from android_rpc.adb.client import Adb, find_adb, run_adb
from android_rpc.adb.discovery import find_phone
from android_rpc.adb.installation import install_bundle
from android_rpc.adb.phone_lock import lock_phone
from android_rpc.bundle.bundle import build_bundle
from android_rpc.devices.adb_phone import AdbPhone
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.thermal import Limits
from android_rpc.telemetry.topology import format_core_list
from depthbench.errors import DeviceError, InputError, ToolMissing
from depthbench.one_line import one_line
from depthbench.progress import Progress

Verdict = Literal["good", "warning", "failed", "not reached"]

ARM64 = ("aarch64", "arm64")
# The bundle's segments are aligned to 64 KB.
PAGE_KB = (4, 16, 64)
SLOW_GOVERNORS = ("powersave", "conservative", "userspace")
LEAST_MIB, ENOUGH_MIB = 64, 256
LEAST_LEVEL = 20
SESSION_S = 60.0


@dataclass(frozen=True)
class Check:
    """One question's answer: what was found, and what to do unless it is good."""

    name: str
    verdict: Verdict
    found: str
    advice: str = ""


@dataclass
class _Visit:
    """What the checks so far have found out."""

    serial: str | None
    progress: Progress
    _cores: list[int] = field(default_factory=list)

    @property
    def adb(self) -> Adb:
        assert self.serial is not None
        return Adb(self.serial)

    @property
    def cores(self) -> list[int]:
        """The cores that a measurement would take."""
        self._cores = self._cores or sysfs.choose_cores(self.adb)
        return self._cores


class _Stop(Exception):
    """The checks that follow make no sense without this one."""

    def __init__(self, check: Check) -> None:
        self.check = check


def examine(serial: str | None = None, progress: Progress = lambda line: None) -> list[Check]:
    """All checks, in order, of the phone with this serial number or of the only one there is.

    Never raises for what is wrong with the phone: that is what the checks say.
    """
    visit = _Visit(serial, progress)
    checks: list[Check] = []
    stopped = False
    for name, function in CHECKS.items():
        if stopped:
            checks.append(Check(name, "not reached", "-"))
            continue
        progress(f"checking: {name}")
        try:
            checks.append(function(name, visit))
        except _Stop as stop:
            checks.append(stop.check)
            stopped = True
        except ToolMissing as error:
            found, _, advice = str(error).partition(": ")
            checks.append(Check(name, "failed", found, advice))
            stopped = True
        except (DeviceError, InputError) as error:
            stopped = visit.serial is None or not visit.adb.connected
            advice = "plug the phone in again" if stopped else "run again"
            checks.append(Check(name, "failed", one_line(error), advice))
    return checks


def is_fit(checks: list[Check]) -> bool:
    """Whether no check failed; warnings do not keep a phone from being measured."""
    return all(check.verdict in ("good", "warning") for check in checks)


def _adb(name: str, visit: _Visit) -> Check:
    try:
        program = find_adb()
    except ToolMissing:
        raise _Stop(Check(name, "failed", "not installed", "sudo apt-get install adb")) from None
    version = re.search(r"Version (\S+)", run_adb("version"))
    return Check(name, "good", f"{program}, version {version[1] if version else 'unknown'}")


def _authorised(name: str, visit: _Visit) -> Check:
    try:
        chosen = find_phone(visit.serial)
    except (DeviceError, InputError) as error:
        found, _, advice = str(error).partition(": ")
        raise _Stop(Check(name, "failed", found, advice)) from None
    visit.serial = chosen.serial
    told = sysfs.read_properties(visit.adb)
    kind = "an emulator: its times are no latencies" if told["emulated"] == "yes" else "a phone"
    shown = f"{told['manufacturer']} {told['model']}, Android {told['android']}"
    return Check(name, "good", f"{chosen.serial}: {shown}, {kind}")


def _arm64(name: str, visit: _Visit) -> Check:
    machine = visit.adb.shell("uname -m").strip()
    abi = sysfs.read_properties(visit.adb)["abi"]
    found = f"{machine}, {abi}"
    # a 32-bit Android on a 64-bit kernel runs the bundle just as well
    if machine in ARM64:
        return Check(name, "good", found)
    raise _Stop(Check(name, "failed", found, "depthbench runs on 64-bit ARM phones only"))


def _page_size(name: str, visit: _Visit) -> Check:
    match = re.search(r"KernelPageSize:\s+(\d+) kB", visit.adb.shell("cat /proc/self/smaps"))
    if match is None:
        return Check(name, "warning", "not told", "the next check shows whether programs start")
    if int(match[1]) in PAGE_KB:
        return Check(name, "good", f"{match[1]} KB")
    return Check(name, "failed", f"{match[1]} KB", "the bundle is built for up to 64 KB")


def _loader(name: str, visit: _Visit) -> Check:
    bundle = build_bundle(progress=visit.progress)
    try:
        with lock_phone(visit.adb, visit.progress) as lock:
            folder, pushed = install_bundle(lock, bundle, visit.progress)
    except DeviceError as error:
        advice = "free some space on the phone" if "space" in str(error) else "plug it in again"
        raise _Stop(Check(name, "failed", one_line(error), advice)) from None
    try:
        version = visit.adb.shell(f"{bundle.command(folder)[0]} --version").splitlines()[0]
    except (DeviceError, IndexError) as error:
        advice = "this Android does not run programs from /data/local/tmp: report it, please"
        raise _Stop(Check(name, "failed", one_line(error), advice)) from None
    origin = "pushed now" if pushed else "already there"
    return Check(name, "good", f"{version}; bundle of {bundle.size / 1e6:.1f} MB {origin}")


def _server(name: str, visit: _Visit) -> Check:
    from android_rpc.session import open_session
    from android_rpc.tracker.tracker import Tracker

    try:
        with ExitStack() as stack:
            phone = AdbPhone(visit.serial, cores=visit.cores, progress=visit.progress)
            tracker = stack.enter_context(Tracker())
            endpoint = stack.enter_context(phone.serve(tracker))
            session = stack.enter_context(open_session(*endpoint, timeout_s=SESSION_S))
            cores = session.affinity()
    except DeviceError as error:
        return Check(name, "failed", one_line(error), "run again; if it stays, report it, please")
    if cores != visit.cores:
        found = f"runs on cores {format_core_list(cores)}, not {format_core_list(visit.cores)}"
        return Check(name, "warning", found, "unplug the charger, close games and battery savers")
    return Check(name, "good", f"a session ran on cores {format_core_list(cores)}")


def _cores(name: str, visit: _Visit) -> Check:
    cores = sysfs.read_cores(visit.adb)
    a76 = [core.number for core in cores if core.is_a76]
    all_of_them = ", ".join(
        f"{kind} {format_core_list([core.number for core in cores if core.name == kind])}"
        for kind in dict.fromkeys(core.name for core in cores)
    )
    if a76:
        return Check(name, "good", f"{all_of_them}; computing on {format_core_list(visit.cores)}")
    advice = "figures of this phone are those of another core than the target arm64-a76"
    return Check(name, "warning", f"no A76 among {all_of_them}", advice)


def _governor(name: str, visit: _Visit) -> Check:
    told = sysfs.governors(sysfs.read_files(visit.adb, sysfs.CLOCK_FILES))
    names = sorted({told[core] for core in visit.cores if core in told})
    if not names:
        return Check(name, "warning", "not told", "nothing to do: this phone hides it")
    found = ", ".join(names)
    if set(names) & set(SLOW_GOVERNORS):
        return Check(name, "warning", found, "switch the battery saver off")
    return Check(name, "good", found)


def _frequency(name: str, visit: _Visit) -> Check:
    files = sysfs.read_files(visit.adb, sysfs.CLOCK_FILES)
    current, limit, highest = (
        {core: khz / 1e3 for core, khz in sysfs.clock_values(files, file).items()}
        for file in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
    )
    told = [core for core in visit.cores if core in limit and core in highest]
    if not told:
        return Check(name, "warning", "not told", "nothing to do: this phone hides it")
    found = ", ".join(
        f"core {core}: {current.get(core, 0):.0f} of {highest[core]:.0f} MHz" for core in told
    )
    if lowered := [core for core in told if limit[core] < highest[core]]:
        found += f"; limited to {min(limit[core] for core in lowered):.0f} MHz"
        advice = "let the phone cool down and switch the battery saver off"
        return Check(name, "warning", found, advice)
    return Check(name, "good", found)


def _temperature(name: str, visit: _Visit) -> Check:
    now = sysfs.read_temperatures(visit.adb)
    looks = {"battery": now.battery_c, "CPU": now.cpu_c}
    told = ", ".join(f"{what} {c:.1f} °C" for what, c in looks.items() if c is not None)
    if not told:
        return Check(name, "warning", "not told", "nothing to do: this phone hides it")
    if warm := now.too_warm(Limits()):
        return Check(name, "warning", warm, "let it cool down; rpc-measure waits for that")
    return Check(name, "good", told)


def _free_space(name: str, visit: _Visit) -> Check:
    line = visit.adb.shell("df -k /data/local/tmp").splitlines()[-1]
    match = re.search(r"(\d+)\s+(\d+)\s+(\d+)\s+\d+%", line)
    if match is None:
        return Check(name, "warning", "not told", "see that there are 256 MB for models")
    free = int(match[3]) // 1024
    if free >= ENOUGH_MIB:
        return Check(name, "good", f"{free} MiB")
    verdict: Verdict = "warning" if free >= LEAST_MIB else "failed"
    return Check(name, verdict, f"{free} MiB", f"free {ENOUGH_MIB} MiB of /data for models")


def _screen(name: str, visit: _Visit) -> Check:
    match = re.search(r"mWakefulness=(\w+)", visit.adb.shell("dumpsys power"))
    if match is None:
        return Check(name, "warning", "not told", "keep the screen on while measuring")
    if match[1] == "Awake":
        return Check(name, "good", "on")
    advice = "phones slow down with the screen off: adb shell svc power stayon usb, and wake it"
    return Check(name, "warning", f"off ({match[1].lower()})", advice)


def _charging(name: str, visit: _Visit) -> Check:
    battery = sysfs.read_battery(visit.adb)
    if battery.level is None or battery.charging is None:
        return Check(name, "warning", "not told", "nothing to do: this phone hides it")
    state = "charging" if battery.charging else "not charging"
    found = f"{battery.level} %, {state}, powered by {', '.join(battery.powered_by) or 'itself'}"
    if battery.level < LEAST_LEVEL:
        advice = "charge it first: phones lower their clocks when the battery is low"
        return Check(name, "warning", found, advice)
    if battery.charging and {"AC", "Wireless"} & set(battery.powered_by):
        return Check(name, "warning", found, "fast charging heats: use a plain USB port")
    return Check(name, "good", found)


CHECKS: dict[str, Callable[[str, _Visit], Check]] = {
    "adb": _adb,
    "authorised": _authorised,
    "arm64": _arm64,
    "page size": _page_size,
    "loader": _loader,
    "server": _server,
    "A76 cores": _cores,
    "governor": _governor,
    "frequency": _frequency,
    "temperature": _temperature,
    "free space": _free_space,
    "screen": _screen,
    "charging": _charging,
}
