"""The machines that models are compiled for, by name."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compile.errors import InputError

# Types whose vectors have other lanes than those of float32.
ELEMENT_BYTES = {"float16": 2, "int8": 1, "uint8": 1}
_HALF_FLAGS = {"avx512_fp16", "asimdhp"}
_DOT_FLAGS = {frozenset({"avx512_vnni", "avx512vl"}): "uint8", frozenset({"asimddp"}): "int8"}


@dataclass(frozen=True)
class Target:
    """One machine: how TVM names it, and what schedules must know of its core.

    `vector_lanes` is the number of elements in a vector register, `registers` how many of them
    there are, `fma_per_cycle` how many vector multiply-adds a core starts in a cycle and
    `fma_latency` how many cycles one takes. `by_lane` is true where a multiply-add takes its
    scalar from a lane of a register (NEON) rather than broadcasting it from memory (AVX).
    `prefetches` is true where weights are asked for ahead of their use. `has_half` is true where
    float16 is multiplied and added as fast as its size suggests. `dot_bytes` is the type of the
    bytes that one instruction multiplies by int8 ones, four at a time; empty where there is none.
    `slow_conversions` is true where whole numbers become floats at half the rate of sums.
    `element_bytes` is the size of the
    elements that are spoken of: float32 unless `of` says other. Code is made to run on up to
    `threads` cores at once.
    """

    name: str
    tvm: dict[str, Any]
    vector_lanes: int
    registers: int
    fma_per_cycle: int
    fma_latency: int
    by_lane: bool
    l1_bytes: int
    l2_bytes: int
    prefetches: bool
    has_half: bool
    dot_bytes: str
    slow_conversions: bool
    element_bytes: int = 4
    threads: int = 1

    def of(self, dtype: str) -> Target:
        """The same machine as tensors of `dtype` see it: as many lanes as fit into a register."""
        size = ELEMENT_BYTES.get(dtype, 4)
        lanes = self.vector_lanes * self.element_bytes // size
        return replace(self, vector_lanes=lanes, element_bytes=size)

    @property
    def runs_here(self) -> bool:
        """Whether this machine can run what is compiled for the target."""
        return self.name == "host"


def _arm64_a76() -> Target:
    return Target(
        name="arm64-a76",
        tvm={
            "kind": "llvm",
            "mtriple": "aarch64-linux-gnu",
            "mcpu": "cortex-a76",
            "num-cores": 1,
        },
        vector_lanes=4,
        registers=32,
        fma_per_cycle=2,
        fma_latency=4,
        by_lane=True,
        l1_bytes=64 * 1024,
        l2_bytes=512 * 1024,
        prefetches=False,
        has_half=True,
        dot_bytes="int8",
        slow_conversions=True,
    )


@functools.cache
def _host() -> Target:
    from tvm.target import Target as TVMTarget
    from tvm.target import codegen

    triple = codegen.llvm_get_system_triple()
    architecture = triple.split("-")[0]
    settings = {"kind": "llvm", "mtriple": triple, "num-cores": 1}
    settings["mcpu"] = codegen.llvm_get_system_cpu()
    if architecture == "aarch64":
        lanes, registers, fma, by_lane = 4, 32, 2, True
    else:
        features = {str(name) for name in codegen.llvm_get_cpu_features(TVMTarget(settings))}
        lanes = 16 if "avx512f" in features else 8 if "avx2" in features else 4
        registers = 32 if lanes == 16 else 16
        fma, by_lane = 2, False
    known = _processor_flags()
    has_half = bool(_HALF_FLAGS & known)
    if has_half and architecture != "aarch64":
        settings["mattr"] = ["+avx512fp16"]  # LLVM does not know every processor that has it
    return Target(
        name="host",
        tvm=settings,
        vector_lanes=lanes,
        registers=registers,
        fma_per_cycle=fma,
        fma_latency=4,
        by_lane=by_lane,
        l1_bytes=_cache_bytes(1, otherwise=32 * 1024),
        l2_bytes=_cache_bytes(2, otherwise=512 * 1024),
        prefetches=True,
        has_half=has_half,
        dot_bytes=next((kind for flags, kind in _DOT_FLAGS.items() if flags <= known), ""),
        slow_conversions=by_lane,
    )


def _cache_bytes(level: int, otherwise: int) -> int:
    """The size of this core's cache for data, as Linux says it, such as 48K."""
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            found = [(index / name).read_text().strip() for name in ("level", "type", "size")]
        except OSError:
            continue
        if found[0] == str(level) and found[1] != "Instruction" and found[2].endswith("K"):
            return int(found[2][:-1]) * 1024
    return otherwise


def _processor_flags() -> set[str]:
    """What Linux says that this processor can do; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    found = [line.partition(":")[2] for line in lines if line.startswith(("flags", "Features"))]
    return set(found[0].split()) if found else set()


_TARGETS: dict[str, Callable[[], Target]] = {"arm64-a76": _arm64_a76, "host": _host}
NAMES: tuple[str, ...] = tuple(sorted(_TARGETS))


def get(name: str, threads: int = 1) -> Target:
    """Return the target called `name`, for code that runs on up to `threads` threads.

    Raises InputError for an unknown name, with the nearest and all known ones.
    """
    if name not in _TARGETS:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"unknown target {name!r}: {hint}known targets are {', '.join(NAMES)}")
    return replace(_TARGETS[name](), threads=threads)
