"""What kernels ask for while they run is what a package keeps for them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tvm
from tvm import te

from compile.package.kernels import workspace_bytes

ELEMENTS = 4096


def executable(dtype: str) -> Any:
    """One kernel, whose sums lie in memory of its own between its two loops."""
    given = te.placeholder((ELEMENTS,), dtype)
    sums = te.compute((ELEMENTS,), lambda i: given[i] + given[ELEMENTS - 1 - i])
    result = te.compute((ELEMENTS,), lambda i: sums[i] + sums[ELEMENTS - 1 - i])
    kernel = te.create_prim_func([given, result]).with_attr("global_symbol", "kernel")
    module = tvm.compile(tvm.IRModule({"kernel": kernel}), target="llvm").mod
    return SimpleNamespace(mod=SimpleNamespace(imports=[module]))


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "float64", "int8", "uint8", "int32", "int64"]
)
def test_a_kernels_own_memory_is_counted_whatever_its_type(dtype: str) -> None:
    bytes_of_all = ELEMENTS * np.dtype(dtype).itemsize
    assert workspace_bytes(executable(dtype), 1, "here") == bytes_of_all
