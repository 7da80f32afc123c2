"""What a phone's files tell: cores, clocks, governors.

One request reads all files that are wanted: a request costs tens of milliseconds, and a phone
that is about to be measured shall not be kept busy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from android_rpc.telemetry.topology import (
    Core,
    best_cores,
    core_of_midr,
    parse_core_list,
    parse_cpuinfo,
)
from android_rpc.transport import Transport
from depthbench.errors import DeviceError, InputError

CPU = "/sys/devices/system/cpu/cpu"
CLOCKS = ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq", "scaling_governor")
PRESENT = "/sys/devices/system/cpu/present"
MIDR = "/regs/identification/midr_el1"
CLOCK_FILES = tuple(f"{CPU}[0-9]*/cpufreq/{name}" for name in CLOCKS)
ZONE_FILES = tuple(f"/sys/class/thermal/thermal_zone*/{name}" for name in ("type", "temp"))
# `read` is the shell's own: no process is started for a file
READ = 'for f in {patterns}; do v=; {{ read -r v < "$f"; }} 2>/dev/null && echo "$f $v"; done; true'
PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "android": "ro.build.version.release",
    "abi": "ro.product.cpu.abi",
    "soc": "ro.soc.model",
}
# Set by Android's emulator, the second since Android 12; and by other emulators and virtual
# machines: their hardware's name.
EMULATOR_PROPERTIES = ("ro.kernel.qemu", "ro.boot.qemu")
HARDWARE = "ro.hardware"
EMULATED_HARDWARE = ("goldfish", "ranchu", "cutf_cvm", "vbox86", "redroid")
# Keeps cores busy for about a second, for phones that then switch more of them on.
WAKE = """for core in 1 2 3 4; do
  (i=0; end=$(($(date +%s) + 1)); while [ $(date +%s) -le $end ]; do
    while i=$((i + 1)); [ $((i % 20000)) != 0 ]; do :; done
  done) &
done; wait"""
# The threads of the sessions (children) of a server: their cores, and where they last ran.
THREADS = """cd /proc && for p in [0-9]*; do
  read -r s < $p/stat || continue
  set -- ${{s##*) }}
  [ "$2" = {server} ] || continue
  for t in $p/task/[0-9]*; do
    read -r s < $t/stat || continue
    set -- ${{s##*) }}
    ticks=$(($12 + $13))
    shift 36
    ran=$1
    while read -r k v; do
      [ "$k" = Cpus_allowed_list: ] && echo "$p ${{t##*/}} $ticks $ran $v"
    done < $t/status
  done
done 2>/dev/null; true"""


def read_files(transport: Transport, patterns: Sequence[str]) -> dict[str, str]:
    """The first lines of the phone's files that match, by path; unreadable ones are left out."""
    printed = transport.shell(READ.format(patterns=" ".join(patterns)))
    pairs = (line.partition(" ") for line in printed.splitlines())
    return {path: value.strip() for path, _, value in pairs if value.strip()}


def read_properties(transport: Transport) -> dict[str, str]:
    """Manufacturer, model, Android version, ABI, SoC; and `emulated`, yes or no."""
    names = [*PROPERTIES.values(), *EMULATOR_PROPERTIES, HARDWARE]
    asked = "; ".join(f'echo "{name}=$(getprop {name})"' for name in names)
    lines = (line.partition("=") for line in transport.shell(asked).splitlines())
    told = {name: value.strip() for name, _, value in lines}
    emulated = told.get(HARDWARE) in EMULATED_HARDWARE
    emulated |= any(told.get(name) == "1" for name in EMULATOR_PROPERTIES)
    found = {name: told.get(key) or "unknown" for name, key in PROPERTIES.items()}
    return {**found, "emulated": "yes" if emulated else "no"}


def read_cores(transport: Transport) -> list[Core]:
    """The cores that are online; DeviceError when the phone does not say what they are.

    Where /proc/cpuinfo does not name them (a 32-bit kernel's, a vendor's), their MIDR is asked.
    Of phones that switch big cores off while they idle the others are kept busy for a moment.
    """
    if cores := parse_cpuinfo(transport.shell("cat /proc/cpuinfo")):
        if not any(core.is_a76 for core in cores) and read_offline(transport, cores):
            transport.shell(WAKE)
            cores = parse_cpuinfo(transport.shell("cat /proc/cpuinfo"))
        return cores
    told = read_files(transport, [f"{CPU}[0-9]*{MIDR}"])
    numbered = {path.removeprefix(CPU).removesuffix(MIDR): text for path, text in told.items()}
    cores = [
        core
        for number, text in numbered.items()
        if number.isdigit() and (core := core_of_midr(int(number), text))
    ]
    if not cores:
        raise DeviceError(f"{transport}: /proc/cpuinfo names no arm64 core")
    return sorted(cores, key=lambda core: core.number)


def read_offline(transport: Transport, online: Sequence[Core]) -> list[int]:
    """The numbers of the cores that the phone has, and has switched off."""
    try:
        there = parse_core_list(read_files(transport, [PRESENT]).get(PRESENT, ""))
    except InputError:
        return []
    return sorted(set(there) - {core.number for core in online})


def choose_cores(transport: Transport, threads: int = 1) -> list[int]:
    """The numbers of the cores that so many threads shall compute on; see `best_cores`."""
    highest = clock_values(read_files(transport, CLOCK_FILES), "cpuinfo_max_freq")
    khz = {core: int(value) for core, value in highest.items()}
    return [core.number for core in best_cores(read_cores(transport), khz, threads)]


def clock_values(files: Mapping[str, str], name: str) -> dict[int, float]:
    """The numbers in `.../cpuN/cpufreq/NAME` by core; clocks are in kHz."""
    values = {}
    for path, text in files.items():
        core, _, rest = path.removeprefix(CPU).partition("/")
        if path.startswith(CPU) and rest == f"cpufreq/{name}" and core.isdigit() and _number(text):
            values[int(core)] = float(text)
    return values


def governors(files: Mapping[str, str]) -> dict[int, str]:
    """The governor of each core that tells it."""
    found = {}
    for path, text in files.items():
        core, _, rest = path.removeprefix(CPU).partition("/")
        if path.startswith(CPU) and rest == "cpufreq/scaling_governor" and core.isdigit():
            found[int(core)] = text
    return found


def read_threads(transport: Transport, server: int) -> dict[str, list[int]]:
    """Cores of the threads that computed in the sessions of the server with this process number.

    `cores` are those that they may run on and `ran_on` those where they last ran. Threads that
    used no time yet do not count: emulators have such of their own.
    """
    allowed: set[int] = set()
    ran_on: set[int] = set()
    for line in transport.shell(THREADS.format(server=server)).splitlines():
        process, thread, ticks, ran, cores = line.split()
        if int(ticks) > 0 or process == thread:
            allowed |= set(parse_core_list(cores))
            ran_on.add(int(ran))
    return {"cores": sorted(allowed), "ran_on": sorted(ran_on)} if allowed else {}


def _number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
