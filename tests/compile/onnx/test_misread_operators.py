"""Operators that TVM's importer reads wrongly are written out as others that it reads rightly."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from compile.onnx.function_expansion import expand_functions
from depthbench.errors import InputError
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


@given(
    st.sampled_from([np.int8, np.int32, np.int64, np.uint8]),
    st.floats(0, 3, width=32),
    st.floats(-1.5, 1.5, width=32),
)
def test_shrunk_integers(dtype: Any, lambd: float, bias: float) -> None:
    x = np.arange(0 if dtype is np.uint8 else -9, 10).astype(dtype)
    assume(dtype is not np.uint8 or bias < 1)  # a negative number is no byte
    assert_defined(*one_node("Shrink", 9, x, lambd=lambd, bias=bias))


@given(
    st.sampled_from(["Sum", "Prod", "Mean", "SumSquare", "L1", "L2", "LogSum"]),
    st.sampled_from([np.int32, np.int64]),
    st.sampled_from([11, 13, 18]),
    st.data(),
)
def test_reduced_integers(operator: str, dtype: Any, opset: int, data: Any) -> None:
    """Results that are no integers of the type among them.

    All of one sign: how far a sum gets before it comes back to zero depends on its order.
    """
    edges = st.sampled_from([0, 1, 3, 7, 100_000, np.iinfo(dtype).max])
    rows = data.draw(st.lists(st.lists(edges, min_size=3, max_size=3), min_size=1, max_size=6))
    x = data.draw(st.sampled_from([1, -1])) * np.array(rows, dtype)
    assert_defined(*one_node(f"Reduce{operator}", opset, x, keepdims=0), tolerance=1e-15)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_products_beyond_the_integers(agree: Agree, dtype: Any) -> None:
    many = 2_000_000
    rows = [[many] * 6, [-many, *[many] * 5], [2] * 6, [-3] * 6]
    model, _ = one_node("ReduceProd", 13, np.zeros([4, 6], dtype), axes=[1])
    model.graph.node[0].input[0] = "sums"
    model.graph.node.insert(0, onnx.helper.make_node("Add", ["x0", "rows"], ["sums"]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(rows, dtype), "rows"))
    agree(model)


@given(
    st.sampled_from([10, 15, 16, 21]),
    st.sampled_from(["avg", "max"]),
    st.sampled_from(["half_pixel", "output_half_pixel"]),
    st.integers(0, 3),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([0.25, 0.5, 1.0, 1.3]),
    st.integers(0, 2**32),
)
def test_regions_of_interest(
    opset: int,
    mode: str,
    way: str,
    samples: int,
    size: tuple[int, int],
    scale: float,
    seed: int,
) -> None:
    """Boxes of any size, some beyond the image, some of less than a pixel, some turned over."""
    random = np.random.default_rng(seed)
    corners = random.uniform(-4, 16, [3, 2])
    # ONNX Runtime cannot take less than no samples.
    least = -1 if samples else 0
    boxes = np.concatenate([corners, corners + random.uniform(least, 9, [3, 2])], axis=1)
    boxes[0, 2:] = np.maximum(boxes[0, :2], boxes[0, 2:] - 9)
    operands = normal(2, 3, 7, 9), boxes.astype(np.float32), np.array([1, 0, 1])
    options: dict[str, Any] = {"mode": mode, "sampling_ratio": samples, "spatial_scale": scale}
    options |= dict(zip(("output_height", "output_width"), size, strict=True))
    if opset >= 16:
        options["coordinate_transformation_mode"] = way
    assert_defined(*one_node("RoiAlign", opset, *operands, constants=2, **options))


@pytest.mark.parametrize("opset", [8, 13])
def test_logarithms_that_are_no_integers(agree: Agree, opset: int) -> None:
    rows = np.array([[-3, -5], [0, 0], [7, 9]], np.int32)
    model, _ = one_node("ReduceLogSum", opset, np.zeros([3, 2], np.int32), axes=[1])
    model.graph.node[0].input[0] = "products"
    model.graph.node.insert(0, onnx.helper.make_node("Mul", ["ones", "rows"], ["products"]))
    model.graph.node.insert(0, onnx.helper.make_node("Equal", ["x0", "x0"], ["same"]))
    model.graph.node.insert(1, onnx.helper.make_node("Cast", ["same"], ["ones"], to=6))
    model.graph.initializer.append(onnx.numpy_helper.from_array(rows, "rows"))
    agree(model)


@given(st.lists(st.integers(1, 4), min_size=2, max_size=3), st.integers(0, 1))
def test_affine_grids(lengths: list[int], aligned: int) -> None:
    axes = len(lengths)
    operands = normal(2, axes, axes + 1), np.array([2, 3, *lengths])
    options: dict[str, Any] = {"constants": 1, "align_corners": aligned}
    assert_defined(*one_node("AffineGrid", 20, *operands, **options))


@pytest.mark.parametrize("opset", [8, 9, 10])
def test_places_of_maxima_in_old_models(agree: Agree, opset: int) -> None:
    options: dict[str, Any] = {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 0, 0, 1]}
    agree(one_node("MaxPool", opset, normal(1, 2, 7, 8), outputs=2, **options)[0])


@pytest.mark.parametrize("way", ["half_pixel", "output_half_pixel"])
def test_regions_that_are_computed(agree: Agree, way: str) -> None:
    model, _ = one_node(
        "RoiAlign",
        16,
        normal(2, 3, 7, 9),
        np.zeros([2, 4], np.float32),
        np.array([1, 0]),
        constants=1,
        coordinate_transformation_mode=way,
        sampling_ratio=2,
        spatial_scale=0.5,
        output_height=2,
    )
    agree(model)


@pytest.mark.parametrize("options", [{"mode": "max", "sampling_ratio": 1}, {}])
def test_regions_that_tvm_cannot_compute(options: dict[str, Any]) -> None:
    boxes, batches = np.zeros([2, 4], np.float32), np.array([1, 0])
    model, _ = one_node("RoiAlign", 16, normal(2, 3, 7, 9), boxes, batches, **options)
    with pytest.raises(InputError, match=r"operator RoiAlign .* its boxes are computed"):
        expand_functions(Path("model.onnx"), model, {"RoiAlign"}, 16)


@pytest.mark.parametrize("operator", ["Gather", "GatherElements"])
@pytest.mark.parametrize("axis", [-2, -1, 0])
def test_indices_and_axes_from_the_end(operator: str, axis: int, agree: Agree) -> None:
    indices = np.array([[-1, 0, -2]] * 3)
    model, _ = one_node(operator, 13, normal(3, 4), indices, constants=1, axis=axis)
    agree(model)


@given(st.lists(st.integers(-2, 4), min_size=4, max_size=4), st.booleans())
def test_paddings_that_go_round(pads: list[int], some: bool) -> None:
    assume(min(pads) < 0)
    operands: list[np.ndarray | None] = [normal(2, 5, 6), np.array(pads)]
    operands += [None, np.array([1, -1])] if some else []
    if not some:
        operands[1] = np.array([0, *pads[:2], 0, *pads[2:]])
    assert_defined(*one_node("Pad", 19, *operands, constants=len(operands) - 1, mode="wrap"))


def test_a_pool_that_is_padded_otherwise_is_left_alone() -> None:
    model, _ = one_node("MaxPool", 13, normal(1, 1, 4, 4), kernel_shape=[2, 2])
    made = expand_functions(Path(), copy.deepcopy(model), {"MaxPool"}, 13)
    assert [node.name for node in made.graph.node] == ["it"]
