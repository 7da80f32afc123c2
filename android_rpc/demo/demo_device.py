"""What the demo's server is told of the machine that it runs on: name, cores, sensors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from android_rpc.board.local_host import LocalHost
from android_rpc.devices.emulated import CPU_MODEL, EmulatedPhone, host_cpu
from android_rpc.telemetry import sysfs
from android_rpc.telemetry.thermal import cpu_zones
from android_rpc.telemetry.topology import Core, best_cores
from android_rpc.transport import Transport

MAX_THREADS = 8
MAX_ZONES = 32


@dataclass(frozen=True)
class DemoDevice:
    """A machine's name, its cores by number with what they are, and their highest clocks in kHz.

    `choices` are the cores for each number of threads, `zones` the files that tell how warm the
    CPU is.
    """

    name: str
    cores: Mapping[int, str]
    max_khz: Mapping[int, int]
    choices: Mapping[int, Sequence[int]]
    zones: Sequence[str]

    def options(self) -> list[str]:
        """The words that tell the server of it."""
        cores = [
            {"cpu": number, "max_mhz": khz and khz / 1e3, "part": part}
            for number, part in sorted(self.cores.items())
            for khz in (self.max_khz.get(number),)
        ]
        words = ["--device", json.dumps({"name": self.name, "cores": cores})]
        for threads, numbers in self.choices.items():
            words += ["--cpus", f"{threads}:{','.join(map(str, numbers))}"]
        for zone in self.zones[:MAX_ZONES]:
            words += ["--temperature", zone]
        return words


def device_of(transport: Transport, name: str, only: Sequence[int] | None = None) -> DemoDevice:
    """The phone or board that `transport` reaches; computes on the cores `only`, where given.

    Else on those that `rpc-measure` takes for as many threads.
    """
    cores = sysfs.read_cores(transport)
    files = sysfs.read_files(transport, (*sysfs.CLOCK_FILES, *sysfs.ZONE_FILES))
    khz = _max_khz(files)
    names = {core.number: core.name for core in cores}
    choices = _first(only) if only else _choose(cores, khz)
    return DemoDevice(name, names, khz, choices, cpu_zones(files))


def this_machine() -> DemoDevice:
    """The machine that this process runs on; its threads run where the kernel puts them."""
    files = sysfs.read_files(host := LocalHost(), (*sysfs.CLOCK_FILES, *sysfs.ZONE_FILES))
    cores = dict.fromkeys(os.sched_getaffinity(0), host_cpu())
    return DemoDevice(host.serial, cores, _max_khz(files), {}, cpu_zones(files))


def emulated_device() -> DemoDevice:
    """The emulated phone: as many cores as this machine has, without a clock."""
    cores = dict.fromkeys(os.sched_getaffinity(0), CPU_MODEL)
    return DemoDevice(EmulatedPhone.name, cores, {}, {}, ())


def _max_khz(files: Mapping[str, str]) -> dict[int, int]:
    highest = sysfs.clock_values(files, "cpuinfo_max_freq")
    return {core: int(khz) for core, khz in highest.items()}


def _first(cores: Sequence[int]) -> dict[int, Sequence[int]]:
    return {threads: cores[:threads] for threads in range(1, min(len(cores), MAX_THREADS) + 1)}


def _choose(cores: Sequence[Core], khz: Mapping[int, int]) -> dict[int, Sequence[int]]:
    choices: dict[int, Sequence[int]] = {}
    for threads in range(1, min(len(cores), MAX_THREADS) + 1):
        numbers = [core.number for core in best_cores(cores, khz, threads)]
        if len(numbers) >= threads:
            choices[threads] = sorted(numbers)
    return choices
