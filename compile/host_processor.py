"""What this machine's processor is, as Linux says it.

Of a processor with large and small cores the large ones count: they are what a model runs on.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import re
from pathlib import Path

ROOT = Path("/")
CPUS = "sys/devices/system/cpu"
# Implementer and part of the Cortex-A76, and of what Qualcomm and HiSilicon call theirs.
A76 = {("0x41", "0xd0b"), ("0x51", "0x804"), ("0x48", "0xd40")}
# The lines of /proc/cpuinfo from which LLVM and targets choose; others change from day to day.
MODEL_FIELDS = (
    *("vendor_id", "cpu family", "model", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features"),
)
# Those that tell one core's design from another's: of x86, and of Arm.
KIND_FIELDS = ("vendor_id", "cpu family", "model", "CPU implementer", "CPU part")


def processor_flags(root: Path = ROOT) -> set[str]:
    """What the machine's first core can do; empty where the system does not say."""
    fields = _all_fields(root)
    found = fields.get("flags") or fields.get("Features") or [""]
    return set(found[0].split())


def is_a76(root: Path = ROOT) -> bool:
    """Whether the large cores are Cortex-A76."""
    fields = _fields_of(large_core(root), root)
    return (fields.get("CPU implementer"), fields.get("CPU part")) in A76


def kind_of_processor(root: Path = ROOT) -> str:
    """The kind of the large cores, as Linux numbers it: all that share one design."""
    fields = _fields_of(large_core(root), root)
    known = [fields[name] for name in KIND_FIELDS if name in fields]
    return re.sub(r"[^\w-]", "_", "-".join(known)) or platform.machine()


def processor_name(root: Path = ROOT) -> str:
    """A name, and a hash of what code is made by."""
    fields = _all_fields(root)
    name = (fields.get("model name") or [platform.processor() or platform.machine()])[0]
    caches = f"{cache_bytes(1, 0, root)} {cache_bytes(2, 0, root)}"
    made_by = [platform.machine(), name, caches]
    made_by += [f"{key}: {fields.get(key)}" for key in MODEL_FIELDS]
    return f"{name}, {hashlib.sha256(chr(10).join(made_by).encode()).hexdigest()[:12]}"


def cache_bytes(level: int, otherwise: int, root: Path = ROOT) -> int:
    """The size of a large core's cache for data, which Linux writes such as 48K."""
    for index in sorted((root / CPUS / f"cpu{large_core(root)}/cache").glob("index*")):
        found = [_text(index / name) for name in ("level", "type", "size")]
        if found[0] == str(level) and found[1] != "Instruction" and found[2].endswith("K"):
            return int(found[2][:-1]) * 1024
    return otherwise


@functools.cache
def large_core(root: Path = ROOT) -> int:
    """The first core of the greatest capacity, else of the highest clock, else of all."""
    cores = sorted(_cores(root)) or [0]
    for file in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        told = {core: _text(root / CPUS / f"cpu{core}/{file}") for core in cores}
        known = {core: int(text) for core, text in told.items() if text.isdigit()}
        if known:
            return max(known, key=lambda core: (known[core], -core))
    return cores[0]


def _fields_of(core: int, root: Path) -> dict[str, str]:
    return _cores(root).get(core, {})


def _all_fields(root: Path) -> dict[str, list[str]]:
    """All values of a field, over all cores."""
    merged: dict[str, list[str]] = {}
    for fields in _cores(root).values():
        for name, value in fields.items():
            values = merged.setdefault(name, [])
            if value not in values:
                values.append(value)
    return merged


@functools.cache
def _cores(root: Path) -> dict[int, dict[str, str]]:
    """The fields of /proc/cpuinfo by core; empty on other systems than Linux."""
    cores: dict[int, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in _text(root / "proc/cpuinfo").splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name == "processor" and value.isdigit():
            fields = cores.setdefault(int(value), {})
        if name:
            fields[name] = value
    return cores


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
