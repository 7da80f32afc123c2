"""The machines that models are compiled for, by name."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compile.errors import InputError


@dataclass(frozen=True)
class Target:
    """One machine: how TVM names it, and what schedules must know of its core.

    `vector_lanes` is the number of float32 in a vector register, `registers` how many of them
    there are, `fma_per_cycle` how many vector multiply-adds a core starts in a cycle and
    `fma_latency` how many cycles one takes. `by_lane` is true where a multiply-add takes its
    scalar from a lane of a register (NEON) rather than broadcasting it from memory (AVX).
    """

    name: str
    tvm: dict[str, Any]
    vector_lanes: int
    registers: int
    fma_per_cycle: int
    fma_latency: int
    by_lane: bool
    l1_bytes: int

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
        fma, by_lane = (1 if lanes == 16 else 2), False
    return Target(
        name="host",
        tvm=settings,
        vector_lanes=lanes,
        registers=registers,
        fma_per_cycle=fma,
        fma_latency=4,
        by_lane=by_lane,
        l1_bytes=32 * 1024,
    )


_TARGETS: dict[str, Callable[[], Target]] = {"arm64-a76": _arm64_a76, "host": _host}
NAMES: tuple[str, ...] = tuple(sorted(_TARGETS))


def get(name: str) -> Target:
    """Return the target called `name`.

    Raises InputError for an unknown name, with the nearest and all known ones.
    """
    if name not in _TARGETS:
        near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"unknown target {name!r}: {hint}known targets are {', '.join(NAMES)}")
    return _TARGETS[name]()
