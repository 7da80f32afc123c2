"""Cores that an estimate can be made for: their clock, their caches, their memory."""

from __future__ import annotations

from dataclasses import dataclass

LINE_BYTES = 64


@dataclass(frozen=True)
class Cache:
    """One level: its bytes, and how many lines a set of it holds."""

    size: int
    ways: int


@dataclass(frozen=True)
class Core:
    """A Cortex-A76 in a device.

    `clock_ghz` is its clock; `caches` are its three levels, the first one that for data.
    `line_ns` are the nanoseconds that a line of 64 bytes which is written back to memory adds to
    an inference, as fitted (calibration.py) on the device that `memory_of` names.
    """

    name: str
    title: str
    clock_ghz: float
    caches: tuple[Cache, Cache, Cache]
    line_ns: float
    memory_of: str


_FIRST = Cache(64 << 10, 4)
_SECOND = Cache(512 << 10, 8)
# The fastest core of each device. A system cache behind the third level is part of its memory.
RASPBERRY_PI_5 = Core(
    "pi5", "Raspberry Pi 5", 2.4, (_FIRST, _SECOND, Cache(2 << 20, 16)), 15.4, "Raspberry Pi 5"
)
SNAPDRAGON_855 = Core(
    "sd855", "Snapdragon 855", 2.84, (_FIRST, _SECOND, Cache(2 << 20, 16)), 5.4, "Snapdragon 855+"
)
KIRIN_980 = Core(
    "kirin980", "Kirin 980", 2.6, (_FIRST, _SECOND, Cache(4 << 20, 16)), 5.4, "Snapdragon 855+"
)
CORES = {core.name: core for core in (RASPBERRY_PI_5, SNAPDRAGON_855, KIRIN_980)}
