"""What is rewritten before TVM sees the model computes the same on ONNX Runtime."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compile.onnx.function_expansion import expand_functions
from compile.onnx.resize import rewrite_resizes
from tests.compile.conftest import Agree, Graph

PLAIN = {"Add", "Mul", "Gather", "MatMul", "Transpose", "Identity", "Constant"}
MODES = ("nearest", "linear", "cubic")
COORDINATES = (
    *("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"),
)


def run(model: onnx.ModelProto) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    random = np.random.default_rng(0)
    inputs = {port.name: random.random(port.shape, np.float32) for port in session.get_inputs()}
    return session.run(None, inputs)[0]


def resize(
    graph: Any,
    shape: list[int],
    *,
    scales: Sequence[float] | None = None,
    sizes: Sequence[int] | None = None,
    **attributes: Any,
) -> onnx.ModelProto:
    given = ["", "" if scales is None else graph.constant(np.array(scales, np.float32))]
    given += [] if sizes is None else [graph.constant(np.array(sizes, np.int64))]
    return graph.model(graph.add("Resize", graph.input(shape), *given, **attributes), opset=19)


def rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    return rewrite_resizes(copy.deepcopy(model), model.opset_import[0].version)


edges = st.integers(1, 9)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(MODES),
    st.sampled_from(COORDINATES),
    st.tuples(edges, edges),
    st.tuples(edges, edges),
)
def test_resize_to_a_size(
    new_graph: type[Graph],
    mode: str,
    coordinates: str,
    before: tuple[int, int],
    after: tuple[int, int],
) -> None:
    model = resize(
        new_graph(),
        [1, 2, *before],
        sizes=[1, 2, *after],
        mode=mode,
        coordinate_transformation_mode=coordinates,
    )
    made = rewritten(model)
    np.testing.assert_allclose(run(made), run(model), rtol=1e-5, atol=2e-5)
    left = {node.op_type for node in made.graph.node}
    if coordinates == "half_pixel_symmetric" and before != after:
        assert left <= PLAIN


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(("half_pixel", "asymmetric")),
    st.tuples(edges, edges),
    st.tuples(st.floats(0.7, 3), st.floats(0.7, 3)),
)
def test_bilinear_by_a_scale_that_is_not_whole(
    new_graph: type[Graph], coordinates: str, before: tuple[int, int], scales: tuple[float, float]
) -> None:
    single = [float(np.float32(scale)) for scale in scales]
    assume(all(int(edge * scale) >= 1 for edge, scale in zip(before, single, strict=True)))
    model = resize(
        new_graph(),
        [1, 2, *before],
        scales=[1, 1, *single],
        mode="linear",
        coordinate_transformation_mode=coordinates,
    )
    np.testing.assert_allclose(run(rewritten(model)), run(model), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("attributes", [{"axes": [2, 3]}, {"axes": [2, 3], "antialias": 1}])
def test_resize_that_tvm_does_not_know(graph: Graph, attributes: dict[str, Any]) -> None:
    model = resize(graph, [1, 2, 9, 12], sizes=[3, 5], mode="linear", **attributes)
    made = rewritten(model)
    assert {node.op_type for node in made.graph.node} <= PLAIN
    np.testing.assert_allclose(run(made), run(model), rtol=1e-5, atol=1e-6)


def test_resize_that_tvm_knows_is_left_alone(graph: Graph) -> None:
    model = resize(graph, [1, 2, 4, 6], scales=[1, 1, 2, 2], mode="linear")
    assert rewritten(model) == model


@pytest.mark.parametrize(
    ("operator", "opset"),
    [("Celu", 13), ("Celu", 20), ("MeanVarianceNormalization", 20), ("Shrink", 20), ("Swish", 24)],
)
def test_functions_are_written_out(agree: Agree, graph: Graph, operator: str, opset: int) -> None:
    model = graph.model(graph.add(operator, graph.input([1, 4, 5, 6])), opset=opset)
    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info(model.graph.output[0].name, 1, [1, 4, 5, 6])
    )
    made = expand_functions(copy.deepcopy(model), PLAIN, opset)
    assert operator not in {node.op_type for node in made.graph.node}
    np.testing.assert_allclose(run(made), run(model), rtol=1e-5, atol=1e-5)
    agree(model)


def test_corners_of_one_pixel_and_odd_scales_compile(agree: Agree, new_graph: type[Graph]) -> None:
    corners: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    agree(resize(new_graph(), [1, 3, 5, 7], sizes=[1, 3, 1, 9], **corners))
    agree(resize(new_graph(), [1, 3, 5, 7], scales=[1, 1, 1.5, 1.7], mode="linear"))
