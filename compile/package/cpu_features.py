"""What a processor must have to run a package's kernels."""

from __future__ import annotations

import platform as this_machine

from compile.host_processor import processor_flags
from compile.package.toolchain import Platform

Feature = tuple[str, int, int]
# By the names of /proc/cpuinfo: the word that library/processor.c reads, and the bit. The first is
# leaf 1's ecx, then leaf 7's ebx, ecx and edx, then what registers the system keeps.
_X86: tuple[Feature, ...] = (
    ("ssse3", 0, 9),
    ("fma", 0, 12),
    ("sse4_1", 0, 19),
    ("sse4_2", 0, 20),
    ("popcnt", 0, 23),
    ("avx", 0, 28),
    ("f16c", 0, 29),
    ("bmi1", 1, 3),
    ("avx2", 1, 5),
    ("bmi2", 1, 8),
    ("avx512f", 1, 16),
    ("avx512dq", 1, 17),
    ("avx512ifma", 1, 21),
    ("avx512cd", 1, 28),
    ("avx512bw", 1, 30),
    ("avx512vl", 1, 31),
    ("avx512vbmi", 2, 1),
    ("avx512_vbmi2", 2, 6),
    ("gfni", 2, 8),
    ("avx512_vnni", 2, 11),
    ("avx512_bitalg", 2, 12),
    ("avx512_vpopcntdq", 2, 14),
    ("avx512_fp16", 3, 23),
)
_KEPT: dict[str, Feature] = {"avx": ("avx registers", 4, 2), "avx512f": ("avx512 registers", 4, 6)}
# AT_HWCAP.
_ARM64: tuple[Feature, ...] = (
    ("atomics", 0, 8),
    ("fphp", 0, 9),
    ("asimdhp", 0, 10),
    ("asimdrdm", 0, 12),
    ("asimddp", 0, 20),
)


def cpu_features(platform: Platform) -> list[Feature]:
    """Those that LLVM may have used: of an A76, or all that this machine has."""
    if platform.name != "host":
        return list(_ARM64)
    flags = processor_flags()
    known = _ARM64 if this_machine.machine() == "aarch64" else _X86
    found = [one for one in known if one[0] in flags]
    return found + [kept for one, kept in _KEPT.items() if one in flags and known is _X86]
