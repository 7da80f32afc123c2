from __future__ import annotations

import platform
from pathlib import Path

import pytest

from compile import targets
from depthbench.errors import InputError


def test_unknown_name_is_one_line_with_the_nearest() -> None:
    with pytest.raises(InputError, match="'arm64-a67'; did you mean 'arm64-a76'") as caught:
        targets.get("arm64-a67")
    assert "\n" not in str(caught.value)


def test_every_name_is_a_target_tvm_accepts() -> None:
    import tvm

    for name in targets.NAMES:
        target = targets.get(name)
        assert target.name == name
        assert tvm.target.Target(target.tvm).kind.name == "llvm"


def test_host_vectors_are_those_the_kernel_reports() -> None:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    x86 = platform.machine() == "x86_64"
    widest = 16 if x86 and "avx512f" in flags else 8 if x86 and "avx2" in flags else 4
    assert targets.get("host").vector_lanes == widest
