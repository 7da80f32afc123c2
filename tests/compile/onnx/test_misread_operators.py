"""Operators that TVM's importer reads wrongly are written out as others that it reads rightly."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compile.onnx.function_expansion import expand_functions
from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import assert_defined, normal, one_node

ways = st.sampled_from(["SAME_UPPER", "SAME_LOWER"])
three = st.lists(st.integers(1, 3), min_size=2, max_size=2)


@given(st.sampled_from(["MaxPool", "AveragePool"]), ways, three, three, st.sampled_from([8, 17]))
def test_pools_of_the_same_size(
    operator: str, way: str, kernel: list[int], strides: list[int], opset: int
) -> None:
    # ONNX Runtime pads by less than nothing where pixels are skipped.
    assume(all(edge >= stride for edge, stride in zip(kernel, strides, strict=True)))
    options: dict[str, Any] = {"auto_pad": way, "kernel_shape": kernel, "strides": strides}
    assert_defined(*one_node(operator, opset, normal(1, 2, 7, 8), **options))


@given(
    st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER"]),
    three,
    three,
    st.lists(st.integers(-2, 2), min_size=2, max_size=2),
    st.sampled_from([8, 22]),
)
def test_transposed_convolutions_to_a_size(
    way: str, kernel: list[int], strides: list[int], more: list[int], opset: int
) -> None:
    reached = [4 * stride + edge for stride, edge in zip(strides, kernel, strict=True)]
    after = [edge + min(0, extra) for edge, extra in zip(reached, more, strict=True)]
    assume(min(after) > 0)
    options: dict[str, Any] = {"auto_pad": way, "strides": strides, "output_shape": after}
    operands = normal(1, 3, 5, 5), normal(3, 2, *kernel, seed=1)
    assert_defined(*one_node("ConvTranspose", opset, *operands, **options))


@given(
    st.sampled_from(["ArgMax", "ArgMin"]),
    st.sampled_from([np.int8, np.uint8]),
    st.integers(-3, 2),
    st.sampled_from([12, 13, 20]),
)
def test_places_of_extreme_bytes(operator: str, dtype: Any, axis: int, opset: int) -> None:
    x = np.random.default_rng(0).integers(0, 2, [2, 3, 4]).astype(dtype)
    assert_defined(*one_node(operator, opset, x, axis=axis))


@given(st.integers(-3, 2), st.lists(st.integers(1, 4), min_size=3, max_size=3))
def test_scatter_of_shorter_indices(axis: int, lengths: list[int]) -> None:
    assume(any(edge < 4 for place, edge in enumerate(lengths) if place != axis % 3))
    order = np.argsort(np.random.default_rng(0).random([4, 4, 4]), axis)
    places = order[tuple(map(slice, lengths))].astype(np.int64)
    operands = normal(4, 4, 4), places, normal(*lengths, seed=1)
    assert_defined(*one_node("ScatterElements", 13, *operands, axis=axis))


@pytest.mark.parametrize(("axis", "vector"), [(-4, False), (-2, True), (0, True), (3, True)])
def test_one_hot(agree: Agree, axis: int, vector: bool) -> None:
    """Compiled, for ONNX Runtime has no doubles here, and TVM nothing else."""
    x = np.random.default_rng(0).integers(0, 5, [2, 3, 4])
    depth = np.array([5] if vector else 5, np.int64)
    values = np.array([-1.5, 2], np.float32)
    agree(one_node("OneHot", 13, x, depth, values, constants=2, axis=axis)[0])


@given(st.lists(st.integers(1, 3), max_size=3), st.floats(0.2, 2))
def test_celu(shape: list[int], alpha: float) -> None:
    assert_defined(*one_node("Celu", 12, normal(*shape), alpha=alpha))


@given(st.sampled_from([np.uint8, np.uint16, np.uint32, np.uint64]))
def test_signs_of_what_has_none(dtype: Any) -> None:
    assert_defined(*one_node("Sign", 13, np.array([0, 1, 9], dtype)))


@pytest.mark.parametrize("operator", ["Gather", "GatherElements"])
@pytest.mark.parametrize("axis", [-2, -1, 0])
def test_indices_and_axes_from_the_end(operator: str, axis: int, agree: Agree) -> None:
    indices = np.array([[-1, 0, -2]] * 3)
    model, _ = one_node(operator, 13, normal(3, 4), indices, constants=1, axis=axis)
    agree(model)


def test_a_pool_that_is_padded_otherwise_is_left_alone() -> None:
    model, _ = one_node("MaxPool", 13, normal(1, 1, 4, 4), kernel_shape=[2, 2])
    made = expand_functions(Path(), copy.deepcopy(model), {"MaxPool"}, 13)
    assert [node.name for node in made.graph.node] == ["it"]
