"""Checks of the phone's cores and of how fast they are let run."""

from __future__ import annotations

from android_rpc.doctor.finding import Finding, Outcome, good, warning
from android_rpc.doctor.visit import Visit
from android_rpc.telemetry import sysfs

SLOW_GOVERNORS = ("powersave", "conservative", "userspace")


def check_cores(visit: Visit) -> Finding:
    """Has it Cortex-A76 cores, which the flagship's target is for?"""
    cores = sysfs.read_cores(visit.transport)
    clusters = [
        (name, [core.number for core in cores if core.name == name])
        for name in dict.fromkeys(core.name for core in cores)
    ]
    if any(core.is_a76 for core in cores):
        return good(Outcome.A76_FOUND, clusters=clusters, chosen=visit.cores)
    if offline := sysfs.read_offline(visit.transport, cores):
        return warning(Outcome.A76_OFFLINE, clusters=clusters, offline=offline)
    return warning(Outcome.A76_MISSING, clusters=clusters)


def check_governor(visit: Visit) -> Finding:
    """Does the governor of the cores that compute let their clocks rise?"""
    told = sysfs.governors(sysfs.read_files(visit.transport, sysfs.CLOCK_FILES))
    governors = sorted({told[core] for core in visit.cores if core in told})
    if not governors:
        return warning(Outcome.HIDDEN)
    if set(governors) & set(SLOW_GOVERNORS):
        return warning(Outcome.GOVERNOR_SLOW, governors=governors)
    return good(Outcome.GOVERNOR_FAST, governors=governors)


def check_clocks(visit: Visit) -> Finding:
    """May the cores that compute run at their highest clocks?"""
    files = sysfs.read_files(visit.transport, sysfs.CLOCK_FILES)
    current, limit, highest = (
        {core: khz / 1e3 for core, khz in sysfs.clock_values(files, file).items()}
        for file in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
    )
    told = [core for core in visit.cores if core in limit and core in highest]
    if not told:
        return warning(Outcome.HIDDEN)
    clocks = {core: (current.get(core, 0.0), highest[core]) for core in told}
    lowered = [limit[core] for core in told if limit[core] < highest[core]]
    if lowered:
        return warning(Outcome.CLOCKS_LIMITED, clocks=clocks, limit=min(lowered))
    return good(Outcome.CLOCKS_FULL, clocks=clocks)
