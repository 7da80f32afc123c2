"""The cores of a phone, and those of them that shall compute."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from depthbench.errors import InputError

A76 = {(0x41, 0xD0B), (0x51, 0x804)}
"""Implementer and part of the Cortex-A76, and of Qualcomm's Kryo 4xx Gold, which is one."""
ARM_PARTS = {
    **{0xD03: "Cortex-A53", 0xD04: "Cortex-A35", 0xD05: "Cortex-A55", 0xD07: "Cortex-A57"},
    **{0xD08: "Cortex-A72", 0xD09: "Cortex-A73", 0xD0A: "Cortex-A75", 0xD0B: "Cortex-A76"},
    **{0xD0C: "Neoverse-N1", 0xD0D: "Cortex-A77", 0xD41: "Cortex-A78", 0xD44: "Cortex-X1"},
    **{0xD46: "Cortex-A510", 0xD47: "Cortex-A710", 0xD48: "Cortex-X2", 0xD4D: "Cortex-A715"},
    **{0xD4E: "Cortex-X3", 0xD80: "Cortex-A520", 0xD81: "Cortex-A720", 0xD82: "Cortex-X4"},
}
QUALCOMM_PARTS = {0x802: "Kryo 385 Gold", 0x803: "Kryo 385 Silver"}
QUALCOMM_PARTS |= {0x804: "Kryo 4xx Gold (Cortex-A76)", 0x805: "Kryo 4xx Silver (Cortex-A55)"}
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
        table = {0x41: ARM_PARTS, 0x51: QUALCOMM_PARTS}.get(self.implementer, {})
        return table.get(self.part, f"part {self.part:#x} of implementer {self.implementer:#x}")

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


def best_cores(cores: Iterable[Core], max_khz: Mapping[int, int]) -> list[Core]:
    """All A76 of the fastest cluster that has any; of a phone without A76 its fastest cluster.

    `max_khz` is the highest clock of each core by its number; cores without one count as slow.
    """
    candidates = list(cores)
    candidates = [core for core in candidates if core.is_a76] or candidates
    fastest = max((max_khz.get(core.number, 0) for core in candidates), default=0)
    return [core for core in candidates if max_khz.get(core.number, 0) == fastest]


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
