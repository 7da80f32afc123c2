"""Quantised models without roundings to integers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compile.onnx.unrounded import leave_out_roundings
from tests.compile.conftest import Graph, run_on_onnxruntime

TYPES = st.sampled_from((np.int8, np.uint8, np.int16))


def pair(graph: Graph, x: str, *scale_and_zero: str) -> str:
    bytes_ = graph.add("QuantizeLinear", x, *scale_and_zero)
    return str(graph.add("DequantizeLinear", bytes_, *scale_and_zero))


@settings(max_examples=30, deadline=None)
@given(TYPES, st.floats(2**-10, 16, width=32), st.floats(0, 1), st.booleans())
def test_numbers_are_clipped_but_not_rounded(
    kind: type[np.integer], scale: float, at: float, plain: bool
) -> None:
    graph, limits = Graph(), np.iinfo(np.uint8 if plain else kind)
    zero = 0 if plain else round(limits.min + at * (float(limits.max) - limits.min))
    known = [graph.constant(np.float32(scale))]
    if not plain:
        known.append(graph.constant(np.array(zero, kind)))
    model = graph.model(pair(graph, graph.input([200]), *known), opset=21)
    assert leave_out_roundings(model) == 1
    onnx.checker.check_model(model)
    x = np.random.default_rng(0).normal(0, 200 * scale, 200).astype(np.float32)
    (result,) = run_on_onnxruntime(model, {"x": x}).values()
    low, high = (np.float64(edge - zero) * scale for edge in (limits.min, limits.max))
    np.testing.assert_allclose(result, np.clip(x, low, high), rtol=1e-6)


def test_weights_and_several_scales_stay(graph: Graph) -> None:
    x = graph.input([3, 4])
    scales, zeros = graph.constant(np.ones(4, np.float32)), graph.constant(np.zeros(4, np.int8))
    by_column = {"axis": 1}
    y = graph.add("QuantizeLinear", x, scales, zeros, **by_column)
    y = graph.add("DequantizeLinear", y, scales, zeros, **by_column)
    weight = graph.constant(np.ones((4, 2), np.int8))
    one = graph.constant(np.float32(0.1)), graph.constant(np.int8(0))
    model = graph.model(graph.add("MatMul", y, graph.add("DequantizeLinear", weight, *one)))
    before = model.SerializeToString()
    assert leave_out_roundings(model) == 0
    assert model.SerializeToString() == before


@pytest.mark.parametrize("other", ["scale", "zero point"])
def test_pairs_that_do_not_give_back_what_they_took_stay(graph: Graph, other: str) -> None:
    scale, zero = graph.constant(np.float32(0.1)), graph.constant(np.uint8(3))
    second = graph.constant(np.float32(0.2) if other == "scale" else np.uint8(4))
    bytes_ = graph.add("QuantizeLinear", graph.input([4]), scale, zero)
    read = (second, zero) if other == "scale" else (scale, second)
    assert leave_out_roundings(graph.model(graph.add("DequantizeLinear", bytes_, *read))) == 0
