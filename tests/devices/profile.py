"""What does a device print? One TOML file of `profiles/` a device.

`[[clusters]]` give /proc/cpuinfo and cpufreq, `zones` the thermal zones in order, as the kernel
prints them, `[dumpsys]`, `[properties]`, `[settings]` and `[commands]` what these programs print,
`[files]` other files, and `denied` what SELinux keeps from adb's shell. The forms are those of the
named `sources`; readings are examples. `[expected]` is what depthbench must make of it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PROFILES = Path(__file__).with_name("profiles")


@dataclass(frozen=True)
class Cluster:
    """Cores of one kind, and their lowest and highest clock where cpufreq tells it."""

    cores: list[int]
    implementer: int
    part: int
    khz: tuple[int, int] | None = None
    governor: str | None = None


@dataclass(frozen=True)
class Profile:
    """A device; see the module."""

    name: str
    device: str
    serial: str
    sources: list[str]
    clusters: list[Cluster]
    zones: list[tuple[str, int | str]] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    cpuinfo_tail: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    dumpsys: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)

    @property
    def android(self) -> bool:
        """Whether it has Android's programs."""
        return bool(self.properties)

    @property
    def cores(self) -> dict[int, Cluster]:
        """The cluster of each core."""
        return {core: cluster for cluster in self.clusters for core in cluster.cores}


def profile_names() -> list[str]:
    """All profiles, in alphabetical order."""
    return sorted(file.stem for file in PROFILES.glob("*.toml"))


@cache
def read_profile(name: str) -> Profile:
    """The profile of this name."""
    with (PROFILES / f"{name}.toml").open("rb") as file:
        told = tomllib.load(file)
    clusters = [Cluster(**cluster) for cluster in told.pop("clusters")]
    return Profile(name=name, clusters=clusters, **told)
