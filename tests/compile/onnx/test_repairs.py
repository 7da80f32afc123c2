from __future__ import annotations

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compile.onnx.repairs import shapes_given, sort_nodes
from tests.compile.conftest import Graph, run_onnxruntime


@given(st.permutations(range(5)))
def test_nodes_are_put_in_order(order: list[int]) -> None:
    graph = Graph()
    x = graph.input([1, 4])
    a, b = graph.add("Exp", x), graph.add("Neg", x)
    graph.add("Add", graph.add("Mul", a, b), graph.add("Relu", b))
    model = graph.model("add4_0")
    wanted = run_onnxruntime(model)
    nodes = [model.graph.node[place] for place in order]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    sort_nodes(model.graph)
    onnx.checker.check_model(model)
    assert (run_onnxruntime(model) == wanted).all()


def test_a_cycle_is_left_to_the_checker(graph: Graph) -> None:
    model = graph.model(graph.add("Relu", graph.add("Neg", graph.input([1]))))
    model.graph.node[0].input[0] = model.graph.node[1].output[0]
    before = model.SerializeToString()
    sort_nodes(model.graph)
    assert model.SerializeToString() == before


def test_shapes_are_given_to_the_checker_only(graph: Graph) -> None:
    model = graph.model(graph.add("Relu", graph.input([1])))
    model.graph.output[0].ClearField("type")
    before = model.SerializeToString()
    with pytest.raises(onnx.checker.ValidationError):
        onnx.checker.check_model(model)
    with shapes_given(model.graph):
        onnx.checker.check_model(model)
    assert model.SerializeToString() == before
