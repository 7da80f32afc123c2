"""Small buffers of a kernel: the same results, and the runtime is asked for the large ones only."""

from __future__ import annotations

import numpy as np
import pytest
import tvm
from hypothesis import given, settings
from hypothesis import strategies as st
from tvm import IRModule, te, tirx
from tvm.s_tir import Schedule

from compile import targets
from compile.lowering import build
from compile.lowering.stack_buffers import MOST_BYTES, MOST_BYTES_TOGETHER


def held_of(x: te.Tensor, length: int, number: int) -> te.Tensor:
    one = tirx.const(number, x.dtype)
    return te.compute((length,), lambda i: x[i] + one, name=f"held{number}")


def built(lengths: list[int], dtype: str = "float32") -> tvm.runtime.Module:
    """The sum of buffers of so many elements, each with a number added to those of `x`."""
    x = te.placeholder((max(lengths),), dtype, name="x")
    held = [held_of(x, length, number) for number, length in enumerate(lengths)]
    total = te.compute(x.shape, lambda i: sum(one[i % one.shape[0]] for one in held), name="total")
    sch = Schedule(IRModule({"main": te.create_prim_func([x, total])}))
    target = tvm.target.Target(targets.get("host").tvm)
    return tvm.tirx.build(sch.mod, target, pipeline=build.tir_pipeline())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from((1, 255, 256, 257, 4096, 9000)), min_size=1, max_size=4))
def test_the_sum_is_the_same(lengths: list[int]) -> None:
    x = np.random.default_rng(0).random(max(lengths), np.float32)
    result = tvm.runtime.empty(x.shape)
    built(lengths)["main"](tvm.runtime.tensor(x), result)
    places = np.arange(max(lengths))
    expected = sum(x[places % length] + number for number, length in enumerate(lengths))
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("lengths", "dtype", "asks"),
    [
        ([MOST_BYTES // 4], "float32", False),
        ([MOST_BYTES // 4 + 1], "float32", True),
        ([MOST_BYTES], "int8", False),
        ([MOST_BYTES + 1], "int8", True),
        ([MOST_BYTES // 4] * (MOST_BYTES_TOGETHER // MOST_BYTES + 1), "float32", True),
    ],
)
def test_the_runtime_is_asked_for_large_ones(lengths: list[int], dtype: str, asks: bool) -> None:
    assert ("__TVMBackendAllocWorkspace" in built(lengths, dtype).inspect_source("ll")) == asks
