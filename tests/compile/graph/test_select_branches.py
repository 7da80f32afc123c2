"""Branches: both are computed and one is selected, as ONNX Runtime does."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.compile.conftest import Agree, Graph

SHAPE = [1, 16, 6, 6]


def branch(graph: Graph, nodes: list[onnx.NodeProto], *results: str) -> onnx.GraphProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in results]
    return helper.make_graph(nodes, results[0], [], values)


def conditional(graph: Graph, threshold: float, count: int = 1) -> onnx.ModelProto:
    """A convolution, then an `If` of `count` results, which has another within."""
    x = graph.input([1, 3, 12, 12])
    y = graph.convolution(x, [16, 3, 3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    mean = graph.add("ReduceMean", x, keepdims=0)
    condition = graph.add("Greater", mean, graph.constant(np.float32(threshold)))
    other = graph.add("Greater", mean, graph.constant(np.float32(0.2)))
    inner = helper.make_node(
        "If",
        [other],
        ["i"],
        then_branch=branch(graph, [helper.make_node("Relu", [y], ["ir"])], "ir"),
        else_branch=branch(graph, [helper.make_node("Abs", [y], ["ia"])], "ia"),
    )
    yes = [inner, *(helper.make_node("Neg", ["i"], [f"t{n}"]) for n in range(count))]
    no = [helper.make_node("Exp", [y], [f"e{n}"]) for n in range(count)]
    results = graph.add(
        "If",
        condition,
        outputs=count,
        then_branch=branch(graph, yes, *(f"t{n}" for n in range(count))),
        else_branch=branch(graph, no, *(f"e{n}" for n in range(count))),
    )
    return graph.model(*([results] if count == 1 else results))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("threshold", [0.1, 0.9])
def test_either_branch_is_onnx_runtimes(
    agree: Agree, graph: Graph, threshold: float, count: int
) -> None:
    compiled = agree(conditional(graph, threshold, count))
    assert compiled.account.to_dict()["scheduled_share"] == 1
    assert "spatial" in compiled.account.families
