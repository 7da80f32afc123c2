"""The machines that models are compiled for, by name."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from compile.choices import Choices
from compile.host_processor import (
    cache_bytes,
    is_a76,
    kind_of_processor,
    processor_flags,
    processor_name,
)
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

# A vector narrower than this wins nothing over scalar code.
MIN_LANES = 4
# Types whose vectors have other lanes than those of float32.
ELEMENT_BYTES = {"float16": 2, "int8": 1, "uint8": 1}
_HALF_FLAGS = {"avx512_fp16", "asimdhp"}
_DOT_FLAGS = {frozenset({"avx512_vnni", "avx512vl"}): "uint8", frozenset({"asimddp"}): "int8"}


@dataclass(frozen=True)
class Target:
    """One machine: how TVM names it, and what schedules must know of its core.

    `tuned_as` names the records of what was tuned for its cores: a host that is an A76 has those
    of the A76. `processor` is the same for two machines only where code made for one is made for
    the other.
    `settings` gives what TVM calls a target, which for this machine takes TVM to find out.
    `vector_lanes` is the number of elements in a vector register, `registers` how many of them
    there are, `fma_per_cycle` how many vector multiply-adds a core starts in a cycle and
    `fma_latency` how many cycles one takes. `by_lane` is true where a multiply-add takes its
    scalar from a lane of a register (NEON) rather than broadcasting it from memory (AVX).
    `prefetches` is true where weights are prefetched: not on the A76, where the
    hints' gain cannot be measured under emulation and their instructions can. `has_half` is true
    where float16 is multiplied and added as fast as its size suggests. `dot_bytes` is the type of
    the bytes that one instruction multiplies by int8 ones, four at a time; empty where there is
    none. `slow_conversions` is true where whole numbers become floats at half the rate of sums.
    `may_grow` is true where weights may be stored in a larger form that is multiplied faster: not
    on a phone, to which they are shipped.
    `element_bytes` is the size of the elements that are spoken of: float32 unless `of` says other.
    Code is made to run on up to `threads` cores at once. `choices` are those of the schedules that
    were tuned for it.
    """

    name: str
    tuned_as: str
    processor: str
    settings: Callable[[], dict[str, Any]]
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
    may_grow: bool
    element_bytes: int = 4
    threads: int = 1
    choices: Choices = field(default_factory=Choices, compare=False)

    @property
    def tvm(self) -> dict[str, Any]:
        """What TVM calls a target: kind, triple, processor."""
        return self.settings()

    def of(self, dtype: str) -> Target:
        """The same machine as tensors of `dtype` see it: as many lanes as fit into a register."""
        size = ELEMENT_BYTES.get(dtype, 4)
        lanes = self.vector_lanes * self.element_bytes // size
        return replace(self, vector_lanes=lanes, element_bytes=size)

    @property
    def runs_here(self) -> bool:
        """Whether this machine can run what is compiled for the target."""
        return self.name == "host"


def _a76_settings() -> dict[str, Any]:
    triple = "aarch64-linux-gnu"
    return {"kind": "llvm", "mtriple": triple, "mcpu": "cortex-a76", "num-cores": 1}


def _arm64_a76() -> Target:
    return Target(
        name="arm64-a76",
        tuned_as="arm64-a76",
        processor="cortex-a76",
        settings=_a76_settings,
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
        may_grow=False,
    )


@functools.cache
def _host_settings() -> dict[str, Any]:
    from tvm.target import codegen

    settings = {"kind": "llvm", "mtriple": codegen.llvm_get_system_triple(), "num-cores": 1}
    settings["mcpu"] = codegen.llvm_get_system_cpu()
    if "avx512_fp16" in processor_flags():
        settings["mattr"] = ["+avx512fp16"]  # LLVM does not know every processor that has it
    return settings


@functools.cache
def _host() -> Target:
    if is_a76():
        return replace(_arm64_a76(), name="host", processor=processor_name())
    flags = processor_flags()
    by_lane = platform.machine() in ("aarch64", "arm64")
    lanes = 16 if "avx512f" in flags else 8 if "avx2" in flags else 4
    return Target(
        name="host",
        tuned_as=f"host-{kind_of_processor()}",
        processor=processor_name(),
        settings=_host_settings,
        vector_lanes=lanes,
        registers=32 if by_lane or lanes == 16 else 16,
        fma_per_cycle=2,
        fma_latency=4,
        by_lane=by_lane,
        l1_bytes=cache_bytes(1, otherwise=32 * 1024),
        l2_bytes=cache_bytes(2, otherwise=512 * 1024),
        prefetches=True,
        has_half=bool(_HALF_FLAGS & flags),
        dot_bytes=next((kind for needs, kind in _DOT_FLAGS.items() if needs <= flags), ""),
        slow_conversions=by_lane,
        may_grow=True,
    )


_TARGETS: dict[str, Callable[[], Target]] = {"arm64-a76": _arm64_a76, "host": _host}
NAMES: tuple[str, ...] = tuple(sorted(_TARGETS))


def get(name: str, threads: int = 1) -> Target:
    """Return the target called `name`, for code that runs on up to `threads` threads.

    Raises InputError for an unknown name, with the nearest.
    """
    if name not in _TARGETS:
        raise InputError(f"unknown target {name!r}", advice=did_you_mean(name, NAMES))
    return replace(_TARGETS[name](), threads=threads, choices=Choices())
