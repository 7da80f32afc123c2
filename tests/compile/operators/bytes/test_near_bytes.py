"""What is known to be near a byte in quantised models, beside ONNX Runtime's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.compile.operators.bytes.test_byte_products import (
    byte_weight,
    names_of,
    through_bytes,
)


def excited(graph: Any, channels: int, size: list[int], step: float, gate: str = "Sigmoid") -> str:
    """A product of bytes, whose channels are multiplied by gates made of it, as bytes again."""
    x = through_bytes(graph, graph.input([1, 16, *size]))
    y = graph.add("Relu", graph.add("Conv", x, byte_weight(graph, channels, 16, 1, 1)))
    means = graph.add("GlobalAveragePool", y)
    gates = graph.add(gate, graph.convolution(means, (channels, channels, 1, 1)))
    return through_bytes(graph, graph.add("Mul", y, gates), step, 0)


@given(channels=st.integers(1, 40), size=st.lists(st.integers(1, 9), min_size=2, max_size=2))
@example(channels=32, size=[8, 8])
@settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_gated_products_are_quantised(
    channels: int, size: list[int], new_graph: Any, agree_int8: Any
) -> None:
    graph, step = new_graph(), 1 / 255
    model = graph.model(excited(graph, channels, size, step))
    agree_int8(model, "arm64-a76", tolerance=1.01 * step, floats=1)


@pytest.mark.parametrize(
    ("gate", "step", "near"),
    [("Sigmoid", 0.01, True), ("Sigmoid", 1e-7, False), ("Exp", 0.1, False)],
)
def test_only_what_is_near_needs_no_limits(
    gate: str, step: float, near: bool, graph: Any, agree_int8: Any
) -> None:
    model = graph.model(excited(graph, 16, [4, 4], step, gate))
    compiled = agree_int8(model, "arm64-a76", tolerance=1.01 * max(step, 1e-3), floats=1)
    assert any("gate" in name for name in names_of(compiled)) == near


def test_gates_let_nothing_through_or_all(graph: Any, agree_int8: Any) -> None:
    x = through_bytes(graph, graph.input([1, 16, 4, 4]))
    y = graph.add("Conv", x, byte_weight(graph, 16, 16, 1, 1))
    gates = graph.constant(np.where(np.arange(16) % 2, 100, -100).astype(np.float32))
    means = graph.add("Mul", graph.add("GlobalAveragePool", y), graph.constant(np.float32(0)))
    gates = graph.add("Reshape", gates, graph.constant(np.array([1, 16, 1, 1])))
    sides = graph.add("Sigmoid", graph.add("Add", means, gates))
    y = through_bytes(graph, graph.add("Mul", y, sides), 1 / 100, 128)
    agree_int8(graph.model(y), "arm64-a76", tolerance=1.01 / 100)


@given(
    channels=st.sampled_from((2, 12, 16, 24)),
    step=st.sampled_from((0.01, 1e-7)),  # the second has them saturate
    zero=st.integers(0, 255),
    shuffled=st.booleans(),
)
@example(channels=16, step=0.01, zero=128, shuffled=True)
@settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_what_is_made_of_products_is_quantised(
    channels: int, step: float, zero: int, shuffled: bool, new_graph: Any, agree_int8: Any
) -> None:
    """Enlarged, joined, shuffled, with bytes added, and cut again, as between blocks."""
    graph = new_graph()
    x = through_bytes(graph, graph.input([1, 16, 6, 6]))
    large = through_bytes(graph, graph.input([1, 2 * channels, 12, 12], "r"), 0.01, 30)
    upper, lower = (
        graph.add("Conv", x, byte_weight(graph, channels, 16, 1, 1, seed=seed)) for seed in (0, 1)
    )
    y = graph.resize(graph.add("Concat", upper, lower, axis=1), (2, 2))
    y = graph.shuffle(y, 2, (2 * channels, 12, 12)) if shuffled else y
    y = graph.add("Add", y, large)
    ends = graph.constant(np.array([0])), graph.constant(np.array([channels]))
    y = graph.add("Slice", y, *ends, graph.constant(np.array([1])))
    agree_int8(
        graph.model(through_bytes(graph, y, step, zero)), "arm64-a76", 1.01 * max(step, 1e-3)
    )
