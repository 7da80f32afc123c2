"""What a caller hands in is checked; what one kernel hands to the next is not."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import tvm
from tvm import relax, tirx


@pytest.fixture
def compiled(agree: Any, graph: Any) -> Any:
    """Two kernels read the input, three the results of others."""
    x = graph.input([1, 16, 8, 8])
    y = graph.add("Relu", graph.convolution(x, [32, 16, 3, 3], pads=[1] * 4))
    y = graph.convolution(y, [20, 32, 1, 1])
    return agree(graph.model(y, graph.add("GlobalMaxPool", x)))


def takes_any_shape(compiled: Any, kernel: str) -> bool:
    """Whether a kernel computes with tensors that have its operands' size, but not their shape."""
    shapes = [tuple(map(int, one.ty.shape)) for one in compiled.scheduled[kernel].params]
    flat = [tvm.runtime.empty((prod(shape),)) for shape in shapes]
    try:
        compiled.executable.mod.imports[0][kernel](*flat)
    except (TypeError, ValueError):
        return False
    return True


def test_kernels_that_read_inputs_check_and_others_do_not(compiled: Any) -> None:
    main = compiled.scheduled["main"]
    reads_input = {
        binding.value.args[0].name_hint: main.params[0] in list(binding.value.args[1].fields)
        for block in main.body.blocks
        for binding in block.bindings
        if isinstance(binding.value, relax.Call) and len(binding.value.args) > 1
    }
    kernels = {
        var.name_hint
        for var, function in compiled.scheduled.functions.items()
        if isinstance(function, tirx.PrimFunc)
    }
    assert set(reads_input) == kernels
    assert sorted(reads_input.values()) == [False, False, False, True, True]
    assert {name: not takes_any_shape(compiled, name) for name in kernels} == reads_input
