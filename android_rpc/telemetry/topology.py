"""The cores of a phone, and those of them that shall compute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from depthbench.errors import InputError

A76 = {(0x41, 0xD0B), (0x48, 0xD40), (0x51, 0x804)}
"""Implementer and part of the Cortex-A76, under Arm's, HiSilicon's and Qualcomm's numbers.

Kirin 980 and 990 call theirs 0xd40, Snapdragon 855 and 765G theirs Kryo 4xx Gold.
"""
ARM, HISILICON, QUALCOMM, SAMSUNG, APPLE = 0x41, 0x48, 0x51, 0x53, 0x61
# As lscpu of util-linux and cpuinfo of PyTorch name them.
PARTS = {
    ARM: {
        **{0xD03: "Cortex-A53", 0xD04: "Cortex-A35", 0xD05: "Cortex-A55", 0xD07: "Cortex-A57"},
        **{0xD08: "Cortex-A72", 0xD09: "Cortex-A73", 0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76"},
        **{0xD0C: "Neoverse-N1", 0xD0D: "Cortex-A77", 0xD0E: "Cortex-A76AE", 0xD40: "Neoverse-V1"},
        **{0xD41: "Cortex-A78", 0xD44: "Cortex-X1", 0xD46: "Cortex-A510", 0xD47: "Cortex-A710"},
        **{0xD48: "Cortex-X2", 0xD4B: "Cortex-A78C", 0xD4D: "Cortex-A715", 0xD4E: "Cortex-X3"},
        **{0xD80: "Cortex-A520", 0xD81: "Cortex-A720", 0xD82: "Cortex-X4", 0xD85: "Cortex-X925"},
    },
    HISILICON: {0xD01: "TaiShan v110", 0xD40: "Cortex-A76", 0xD41: "Cortex-A77"},
    QUALCOMM: {
        **{0x800: "Kryo 2xx Gold (Cortex-A73)", 0x801: "Kryo 2xx Silver (Cortex-A53)"},
        **{0x802: "Kryo 385 Gold", 0x803: "Kryo 385 Silver"},
        **{0x804: "Kryo 4xx Gold (Cortex-A76)", 0x805: "Kryo 4xx Silver (Cortex-A55)"},
    },
    SAMSUNG: {0x001: "Exynos M1", 0x002: "Exynos M3", 0x003: "Exynos M4", 0x004: "Exynos M5"},
    APPLE: {0x000: "Apple, as a virtual machine shows it"},
}
MAX_CPUS = 1024


@dataclass(frozen=True)
class Core:
    """A core of /proc/cpuinfo: its number, and what its MIDR says about it."""

    number: int
    implementer: int
    part: int

    @property
    def name(self) -> str:
        """For example `Cortex-A76`; parts that are not known here by their numbers."""
        unknown = f"part {self.part:#x} of implementer {self.implementer:#x}"
        return PARTS.get(self.implementer, {}).get(self.part, unknown)

    @property
    def code(self) -> str:
        """Implementer and part for a record: `0x41:0xd0b`; see `parse_code`."""
        return f"{self.implementer:#04x}:{self.part:#05x}"

    @property
    def is_a76(self) -> bool:
        """Whether the flagship's target, arm64-a76, was made for it."""
        return (self.implementer, self.part) in A76


def parse_cpuinfo(text: str) -> list[Core]:
    """The cores in an arm64 /proc/cpuinfo; those that do not say what they are are left out."""
    cores = []
    fields: dict[str, str] = {}
    for line in [*text.splitlines(), "processor : end"]:
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "processor":
            if core := _core(fields):
                cores.append(core)
            fields = {}
        fields[name] = value
    return cores


def _core(fields: Mapping[str, str]) -> Core | None:
    try:
        number = int(fields["processor"])
        return Core(number, int(fields["CPU implementer"], 0), int(fields["CPU part"], 0))
    except (KeyError, ValueError):
        return None


def parse_code(number: int, code: str) -> Core:
    """The core whose `code` a record holds; ValueError for what is none."""
    implementer, part = code.split(":")
    return Core(number, int(implementer, 16), int(part, 16))


def core_of_midr(number: int, text: str) -> Core | None:
    """The core whose MIDR_EL1 the kernel prints as `text`, for example 0x00000000414fd0b1."""
    try:
        midr = int(text, 16)
    except ValueError:
        return None
    return Core(number, midr >> 24 & 0xFF, midr >> 4 & 0xFFF) if midr else None


def best_cores(cores: Iterable[Core], max_khz: Mapping[int, int], threads: int = 1) -> list[Core]:
    """The cores that so many threads shall compute on: A76 only, where the device has any, else
    only those of the same kind as the fastest.

    Of the clusters that hold all threads the fastest; where none does, as many of the fastest
    clusters as it takes. (A Snapdragon 855 has one A76 at 2.84 GHz and three at 2.42: one thread
    runs on the first, two or three on the others, at one speed.) `max_khz` is the highest clock
    of each core by its number; cores without one count as slow.
    """
    ranked = sorted(cores, key=lambda core: -max_khz.get(core.number, 0))
    a76 = [core for core in ranked if core.is_a76]
    clusters: dict[int, list[Core]] = {}
    for core in a76 or [core for core in ranked if core.name == ranked[0].name]:
        clusters.setdefault(max_khz.get(core.number, 0), []).append(core)
    for cluster in clusters.values():
        if len(cluster) >= threads:
            return cluster
    joined: list[Core] = []
    for cluster in clusters.values():
        if len(joined) < threads:
            joined += cluster
    return sorted(joined, key=lambda core: core.number)


def parse_core_list(text: str) -> list[int]:
    """The numbers in a list such as `4-7` or `0,6,7`, in order; InputError if it is none."""
    numbers: set[int] = set()
    for item in text.split(","):
        match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", item)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or last >= MAX_CPUS:
            raise InputError(f"{text!r}: not a list of cores such as 4-7 or 6,7")
        numbers |= set(range(first, last + 1))
    return sorted(numbers)


def format_core_list(numbers: Sequence[int]) -> str:
    """The list as people write it: 0,4-7."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
