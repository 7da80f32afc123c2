from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from compile.check import relative_difference
from compile.onnx.model_file import tensors
from compile.onnx.widening import widen
from compile.pipeline import compile_model
from compile.runtime.executable import HostModel
from tests.compile.conftest import Graph, run_on_onnxruntime, run_onnxruntime

HALF = TensorProto.FLOAT16


def halved(model: onnx.ModelProto, *, ports: bool = True) -> onnx.ModelProto:
    """The model in fp16, its inputs and outputs among it with `ports`, else converted."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            value = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    del model.graph.value_info[:]
    values = (*model.graph.input, *model.graph.output)
    if ports:
        for value in values:
            value.type.tensor_type.elem_type = HALF
        return model
    (x,), (y,) = model.graph.input, model.graph.output
    for node in model.graph.node:
        node.input[:] = ["half" if name == x.name else name for name in node.input]
        node.output[:] = ["result" if name == y.name else name for name in node.output]
    # Where ONNX Runtime's converter leaves them: not in order.
    model.graph.node.append(helper.make_node("Cast", [x.name], ["half"], to=HALF))
    model.graph.node.append(helper.make_node("Cast", ["result"], [y.name], to=TensorProto.FLOAT))
    return model


def network(graph: Graph) -> onnx.ModelProto:
    y = graph.add("Relu", graph.convolution(graph.input([1, 3, 8, 8]), [8, 3, 3, 3]))
    scale, shift = graph.constant(np.ones(8, np.float32)), graph.constant(np.zeros(8, np.float32))
    y = graph.add("InstanceNormalization", y, scale, shift)
    return graph.model(graph.convolution(y, [1, 8, 3, 3]))


@pytest.mark.parametrize("ports", [True, False])
@pytest.mark.parametrize("target", ["host", "arm64-a76"])
def test_fp16_files_compile_and_agree(
    graph: Graph, tmp_path: Path, ports: bool, target: str
) -> None:
    onnx.save(halved(network(graph), ports=ports), str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", target, tmp_path / "out")
    kind = "float16" if ports else "float32"
    assert [port["dtype"] for port in artefact.manifest["inputs"]] == [kind]
    assert [port["dtype"] for port in artefact.manifest["outputs"]] == [kind]
    check = artefact.manifest["check"]
    assert max(check["relative_difference"].values()) < 3e-3
    assert check["against"] == "ONNX Runtime"


def test_a_file_of_onnx_runtimes_converter_compiles(graph: Graph, tmp_path: Path) -> None:
    """It leaves types of weights that are not theirs, where an exporter notes types of weights."""
    y = graph.convolution(graph.input([1, 3, 8, 8]), [8, 3, 3, 3])
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    model = graph.model(graph.add("Resize", y, "", scales, mode="nearest"))
    model.graph.value_info.append(helper.make_tensor_value_info(scales, TensorProto.FLOAT, [4]))
    onnx.save(convert_float_to_float16(model, keep_io_types=True), str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")
    assert artefact.manifest["check"]["against"] == "ONNX Runtime"


def products(graph: Graph, *factors: float) -> onnx.ModelProto:
    """The input times the factors; ONNX Runtime moves fp16 between them, and rounds to it."""
    y = graph.input([8, 8])
    for factor in factors:
        y = graph.add("Mul", y, graph.constant(np.float32(factor)))
        y = graph.add("Concat", y, y, axis=0)
        y = graph.add("Slice", y, graph.constant(np.array([0])), graph.constant(np.array([8])))
    return halved(graph.model(y))


# Numbers that fp16 rounds to a few steps, and such as it cannot hold.
@pytest.mark.parametrize("factors", [(1e-3, 1e-3, 1e3, 1e3), (6e4, 6e4, 1e-4, 1e-4)])
def test_what_the_file_itself_rounds_away_is_judged_in_fp32(
    graph: Graph, tmp_path: Path, factors: tuple[float, ...]
) -> None:
    onnx.save(products(graph, *factors), str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")
    check = artefact.manifest["check"]
    assert check["against"] == "ONNX Runtime in fp32 arithmetic"
    assert all(one is None or one > 0.01 for one in check["as_given"].values())
    x = np.random.default_rng(0).random((8, 8), np.float32).astype(np.float16)
    (y,) = HostModel(artefact).run({"x": x}).values()
    exact = x * np.prod([np.float64(np.float16(factor)) for factor in factors])
    assert relative_difference(y, exact) < 1e-3


@given(st.integers(0, 4), st.booleans())
@settings(max_examples=10, deadline=None)
def test_widened_models_compute_the_same(seed: int, ports: bool) -> None:
    model = halved(network(Graph(seed)), ports=ports)
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    assert widen(wide)
    assert all(tensor.data_type != HALF for tensor in tensors(wide))
    x = np.random.default_rng(seed).random((1, 3, 8, 8), np.float32)
    inputs = {"x": x.astype(np.float16) if ports else x}
    (given,), (found,) = (run_on_onnxruntime(one, inputs).values() for one in (model, wide))
    assert found.dtype == given.dtype
    assert relative_difference(found, given) < 5e-3


def test_outputs_without_a_type_are_fp16_too(graph: Graph, tmp_path: Path) -> None:
    model = halved(graph.model(graph.add("Exp", graph.input([2, 3]))))
    model.graph.output[0].ClearField("type")
    onnx.save(model, str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")
    assert [port["dtype"] for port in artefact.manifest["outputs"]] == ["float16"]


def test_fp32_models_stay_as_they_are(graph: Graph) -> None:
    model = network(graph)
    before = model.SerializeToString()
    assert not widen(model)
    assert model.SerializeToString() == before


def test_types_in_branches_are_widened(graph: Graph) -> None:
    x = graph.input([1, 4])
    half = graph.add("Cast", x, to=HALF)
    result = helper.make_tensor_value_info("inner", HALF, [1, 4])
    nodes = [
        helper.make_node(
            "Constant", [], ["two"], value=numpy_helper.from_array(np.array(2, np.float16))
        ),
        helper.make_node("Mul", [half, "two"], ["inner"]),
    ]
    body = helper.make_graph(nodes, "branch", [], [result])
    condition = graph.add("Cast", graph.add("ReduceMax", x, keepdims=0), to=TensorProto.BOOL)
    y = graph.add("If", condition, then_branch=body, else_branch=body)
    model = graph.model(graph.add("Cast", y, to=TensorProto.FLOAT))
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    assert widen(wide)
    np.testing.assert_allclose(run_onnxruntime(wide), run_onnxruntime(model), rtol=1e-3)


def test_float32_is_widened_to_float64() -> None:
    """The square of a large number is divided by it before it is rounded to float32."""
    graph = Graph()
    x = graph.input([3])
    model = graph.model(graph.add("Div", graph.add("Mul", x, x), graph.constant(np.float32(1e30))))
    assert widen(model, TensorProto.FLOAT, TensorProto.DOUBLE)
    feeds = {"x": np.array([1e25, -1e33, 2], np.float32)}
    (found,) = run_on_onnxruntime(model, feeds).values()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [1e20, 1e36, 4e-30], rtol=1e-6)
