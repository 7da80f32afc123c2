"""The first node or weights in which a model's file differs, whatever was changed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from bench.gates.graph_difference import first_difference, print_graph


def chain(length: int = 5) -> onnx.ModelProto:
    """`length` times: plus a row of weights w0, w1, ..., times a constant c0, c1, ...."""
    nodes, weights, last = [], [], "x"
    for i in range(length):
        values = np.arange(1, 4, dtype=np.float32) + i
        weights.append(numpy_helper.from_array(values, f"w{i}"))
        constant = numpy_helper.from_array(values[::-1].copy(), "")
        nodes += [
            helper.make_node("Add", [last, f"w{i}"], [f"a{i}"], name=f"add{i}"),
            helper.make_node("Constant", [], [f"c{i}"], name=f"constant{i}", value=constant),
            helper.make_node("Mul", [f"a{i}", f"c{i}"], [f"m{i}"], name=f"mul{i}"),
            helper.make_node("Elu", [f"m{i}"], [f"e{i}"], name=f"elu{i}", alpha=0.5),
        ]
        last = f"e{i}"
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 3]) for n in ("x", last)]
    graph = helper.make_graph(nodes, "chain", ports[:1], ports[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def swap(tensor: onnx.TensorProto) -> None:
    """Two numbers change places: sum and root mean square stay."""
    values = numpy_helper.to_array(tensor).copy()
    values[[0, 1]] = values[[1, 0]]
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@given(weights=st.sets(st.integers(0, 4)), constants=st.sets(st.integers(0, 4)))
def test_the_first_of_all_that_changed_is_named(weights: set[int], constants: set[int]) -> None:
    was, now = print_graph(chain()), chain()
    for i in weights:
        swap(now.graph.initializer[i])
    for i in constants:
        swap(now.graph.node[4 * i + 1].attribute[0].t)
    first = (
        min([(2 * i, "w", i) for i in weights] + [(2 * i + 1, "c", i) for i in constants])[1:]
        if weights or constants
        else None
    )
    named = {
        "w": "initializer w{0} of node add{0} (Add)",
        "c": "initializer c{0} of node constant{0} (Constant)",
    }
    expected = named[first[0]].format(first[1]) if first else None
    assert first_difference(was, now) == expected


def test_of_what_moved_beyond_its_tolerance_the_first_is_named() -> None:
    now = chain()
    for tensor in now.graph.initializer:
        swap(tensor)
    assert first_difference(print_graph(chain()), now, ["w3", "w4"]) == (
        "initializer w3 of node add3 (Add)"
    )


def soften(graph: onnx.GraphProto) -> None:
    graph.node[3].attribute[0].f = 0.25


def rewire(graph: onnx.GraphProto) -> None:
    graph.node[10].input[0] = "a1"


def exchange(graph: onnx.GraphProto) -> None:
    graph.node[6].op_type = "Div"


def append(graph: onnx.GraphProto) -> None:
    graph.node.append(helper.make_node("Relu", ["e4"], ["r"], name="relu"))


def cut(graph: onnx.GraphProto) -> None:
    del graph.node[-1]


def rename(graph: onnx.GraphProto) -> None:
    for node in graph.node:
        node.name += "-again"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (soften, "node elu0 (Elu), its attributes or inputs"),
        (rewire, "node mul2 (Mul), its attributes or inputs"),
        (exchange, "node mul1 (Div), which was mul1 (Mul)"),
        (append, "node relu (Relu), which is new"),
        (cut, "node elu4 (Elu), which is gone"),
        (rename, None),
    ],
)
def test_another_node_is_named(change: Callable[[onnx.GraphProto], None], says: str | None) -> None:
    now = chain()
    change(now.graph)
    assert first_difference(print_graph(chain()), now) == says


def test_names_and_values_may_differ_where_the_same_is_computed() -> None:
    was, now = print_graph(chain()), chain()
    rename(now.graph)
    swap(now.graph.initializer[0])
    assert was.computes_as(print_graph(now))
    wider = chain()
    wider.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.ones((1, 3), np.float32), "w0"))
    assert not was.computes_as(print_graph(wider))
    soften(now.graph)
    assert not was.computes_as(print_graph(now))


def test_strings_have_the_same_hash_in_every_read() -> None:
    model = chain(1)
    model.graph.initializer.append(numpy_helper.from_array(np.array(["text"], object), "s"))
    again = onnx.load_model_from_string(model.SerializeToString())
    assert print_graph(again) == print_graph(model)
