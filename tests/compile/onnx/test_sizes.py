from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from compile.onnx.sizes import MAX_ELEMENTS
from depthbench.errors import InputError
from tests.compile.conftest import Graph


@pytest.fixture
def relu(graph: Graph) -> onnx.ModelProto:
    """A model with a weight of 64 numbers."""
    return graph.model(graph.add("Relu", graph.add("Add", graph.input([1, 64]), graph.weight(64))))


def lengthen(tensor: onnx.TensorProto) -> None:
    tensor.raw_data += bytes(4)


def break_a_number(tensor: onnx.TensorProto) -> None:
    tensor.raw_data += b"x"


def reshape(tensor: onnx.TensorProto) -> None:
    tensor.dims[0] = 63


@pytest.mark.parametrize("change", [lengthen, break_a_number, reshape])
def test_weights_hold_what_their_shape_says(
    relu: onnx.ModelProto, tmp_path: Path, change: Callable[[onnx.TensorProto], None]
) -> None:
    change(relu.graph.initializer[0])
    (tmp_path / "model.onnx").write_bytes(relu.SerializeToString())
    with pytest.raises(InputError, match="are damaged"):
        load_model(tmp_path / "model.onnx")


def with_constant_shape(operator: str, shape: list[int], folder: Path) -> Path:
    """A model that makes a huge tensor of a small constant, and the largest of its elements."""
    first = [] if operator == "ConstantOfShape" else ["x"]
    nodes = [
        helper.make_node(operator, [*first, "shape"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
        helper.make_node("Add", ["x", "most"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(name, 1, [1, 1, 1]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.array(shape, np.int64), "shape")]
    graph = helper.make_graph(nodes, "huge", ports[:1], ports[1:], weights)
    opsets = [helper.make_opsetid("", 13)]
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


@pytest.mark.parametrize("operator", ["ConstantOfShape", "Expand", "Tile"])
@pytest.mark.parametrize("edge", [MAX_ELEMENTS, 2**40, 2**62, -(2**31)])
def test_huge_values_are_refused_before_they_are_computed(
    operator: str, edge: int, tmp_path: Path
) -> None:
    path = with_constant_shape(operator, [edge, 3, 1], tmp_path)
    with pytest.raises(InputError):
        import_model(load_model(path))


def of_a_padding(model: onnx.ModelProto) -> None:
    pads = np.array([0, 0, -20, 0, 0, 0], np.int64)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(pads, "pads"))


def of_a_lie(model: onnx.ModelProto) -> None:
    lie = helper.make_tensor_value_info("padded", 1, [1, 4, -(2**63)])
    model.graph.value_info.append(lie)


@pytest.mark.parametrize("harm", [of_a_padding, of_a_lie])
def test_slices_of_negative_sizes_are_refused(
    tmp_path: Path, harm: Callable[[onnx.ModelProto], None]
) -> None:
    """ONNX's inference would end the process."""
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["padded"]),
        helper.make_node("Slice", ["padded", "low", "high", "axis"], ["y"]),
    ]
    ports = [helper.make_tensor_value_info(name, 1, [1, 4, 11]) for name in ("x", "y")]
    values = {"pads": [0] * 6, "low": [0], "high": [11], "axis": [2]}
    weights = [numpy_helper.from_array(np.array(one), name) for name, one in values.items()]
    graph = helper.make_graph(nodes, "sliced", ports[:1], ports[1:], weights)
    opsets = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    harm(model)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="is of shape 1x4x-"):
        load_model(tmp_path / "model.onnx")


def test_shapes_that_contradict_each_other(graph: Graph, tmp_path: Path) -> None:
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    model = graph.model(graph.add("Resize", graph.input([1, 1, 4, 4]), "", scales))
    model.graph.output[0].type.tensor_type.shape.dim[3].dim_value = 9
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(InputError):
        load_model(tmp_path / "model.onnx")


def test_functions_that_call_themselves_are_refused(relu: onnx.ModelProto, tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [helper.make_node("f", ["a"], ["b"], domain="own")]
    relu.functions.append(helper.make_function("own", "f", ["a"], ["b"], body, opsets))
    relu.opset_import.append(opsets[1])
    name = relu.graph.input[0].name
    relu.graph.node.insert(0, helper.make_node("f", [name], ["called"], domain="own"))
    (tmp_path / "model.onnx").write_bytes(relu.SerializeToString())
    with pytest.raises(InputError, match="not a valid ONNX model"):
        load_model(tmp_path / "model.onnx")
