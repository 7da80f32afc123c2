"""Attention as exporters write it is one kernel, and agrees with ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compile import targets
from tests.compile.conftest import Agree, Graph

few = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
FORMS = ("queries", "scores", "both", "keys in batches", "nan", "mask")


def attention(
    graph: Graph,
    form: str,
    lengths: tuple[int, int],
    heads: int,
    sizes: tuple[int, int],
    factor: float,
) -> Any:
    """Attention of three projections of one input, in one of the forms that exporters write."""
    (queries, keys), (size, width) = lengths, sizes
    x, y = graph.input([1, queries, 8]), graph.input([1, keys, 8], "y")

    def projected(source: str, length: int, each: int) -> str:
        flat = graph.add("MatMul", source, graph.weight(8, heads * each))
        parts = graph.add("Reshape", flat, graph.constant(np.array([1, length, heads, each])))
        return str(graph.add("Transpose", parts, perm=[0, 2, 1, 3]))

    def scaled(value: str, by: float) -> str:
        return str(graph.add("Mul", value, graph.constant(np.float32(by))))

    q, k, v = projected(x, queries, size), projected(y, keys, size), projected(y, keys, width)
    if form == "keys in batches":
        k = graph.add("Reshape", k, graph.constant(np.array([heads, keys, size])))
        k = graph.add("Transpose", k, perm=[0, 2, 1])
        k = graph.add("Reshape", k, graph.constant(np.array([1, heads, size, keys])))
    else:
        k = graph.add("Transpose", k, perm=[0, 1, 3, 2])
    if form == "both":
        q, k = scaled(q, factor**0.5), scaled(k, factor**0.5)
    elif form != "scores":
        q = scaled(q, factor)
    scores = graph.add("MatMul", q, k)
    if form == "scores":
        scores = graph.add("Div", scores, graph.constant(np.float32(1 / factor)))
    if form == "mask":
        scores = graph.add("Add", scores, graph.weight(queries, keys))
    weights = graph.add("Softmax", scores, axis=-1)
    if form == "nan":
        zero = graph.constant(np.float32(0))
        weights = graph.add("Where", graph.add("IsNaN", weights), zero, weights)
    result = graph.add("Transpose", graph.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    return graph.add("Reshape", result, graph.constant(np.array([1, queries, heads * width])))


@few
@given(
    st.sampled_from(FORMS),
    st.tuples(st.integers(1, 45), st.integers(1, 45)),
    st.integers(1, 3),
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.sampled_from(targets.NAMES),
)
def test_attention(
    agree: Agree,
    new_graph: type[Graph],
    form: str,
    lengths: tuple[int, int],
    heads: int,
    sizes: tuple[int, int],
    target: str,
) -> None:
    graph = new_graph()
    compiled = agree(graph.model(attention(graph, form, lengths, heads, sizes, 0.3)), target)
    assert compiled.account.families.get("attention") == 1
    assert compiled.account.fallbacks == []


@pytest.mark.parametrize("target", targets.NAMES)
def test_scores_beyond_the_largest_exponential(agree: Agree, graph: Graph, target: str) -> None:
    """exp(2000) is no number: the largest score must come off first."""
    compiled = agree(graph.model(attention(graph, "queries", (9, 21), 2, (16, 8), 2e3)), target)
    assert compiled.account.families.get("attention") == 1


def test_a_row_that_is_hidden_wholly(agree: Agree, graph: Graph) -> None:
    x = graph.input([1, 2, 5, 8])
    hidden = np.zeros((5, 5), np.float32)
    hidden[2], hidden[3, 1:] = -np.inf, -np.inf
    scores = graph.add("MatMul", x, graph.add("Transpose", x, perm=[0, 1, 3, 2]))
    weights = graph.add("Softmax", graph.add("Add", scores, graph.constant(hidden)), axis=-1)
    zero = graph.constant(np.float32(0))
    weights = graph.add("Where", graph.add("IsNaN", weights), zero, weights)
    compiled = agree(graph.model(graph.add("MatMul", weights, x)))
    assert compiled.account.families.get("attention") == 1


@pytest.mark.parametrize(("hidden", "kernels"), [(0, 1), (3, 0)])
def test_a_mask_of_booleans(agree: Agree, graph: Graph, hidden: int, kernels: int) -> None:
    """Exporters write one that hides nothing."""
    allowed = np.ones((2, 5, 5), bool)
    allowed[..., :hidden, 1:] = False
    allowed[..., :hidden, 0] = hidden == 0
    operands = *[graph.input([1, 2, 5, 8], name) for name in "qkv"], graph.constant(allowed)
    compiled = agree(graph.model(graph.add("Attention", *operands), opset=23))
    assert compiled.account.families.get("attention", 0) == kernels


def test_weights_that_are_read_elsewhere_stay(agree: Agree, graph: Graph) -> None:
    x = graph.input([1, 2, 5, 8])
    scores = graph.add("MatMul", x, graph.add("Transpose", x, perm=[0, 1, 3, 2]))
    weights = graph.add("Softmax", scores, axis=-1)
    compiled = agree(graph.model(graph.add("MatMul", weights, x), weights))
    assert "attention" not in compiled.account.families
