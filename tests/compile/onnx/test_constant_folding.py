from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

from compile.onnx.checked_model import load_model
from compile.onnx.folding.constant_folding import fold_constants
from compile.onnx.importer import import_model, output_ports
from compile.onnx.model_file import fix_shapes
from compile.pipeline import compile_model
from tests.compile.conftest import Graph, run_onnxruntime

IMAGE = (1, 3, 12, 16)
SHAPES = ("Shape", "Size", "If", "Loop", "SequenceAt", "SplitToSequence", "ConcatFromSequence")


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with its constants folded; fails unless it computes what it did."""
    fresh = onnx.ModelProto.FromString(model.SerializeToString())
    fold_constants(fresh)
    np.testing.assert_array_equal(run_onnxruntime(fresh), run_onnxruntime(model))
    return fresh


def kinds(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


class Around(nn.Module):
    """Two convolutions with something between them."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor], width: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.between = between
        self.last = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(self.first(x)))


class Standardised(nn.Conv2d):
    """A convolution whose weights are standardised when it runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = self.weight.mean([1, 2, 3], keepdim=True)
        spread = self.weight.var([1, 2, 3], keepdim=True, unbiased=False)
        weight = (self.weight - mean) / torch.sqrt(spread + 1e-5)
        return functional.conv2d(x, weight, self.bias, 1, 1)


class Scripted(nn.Module):
    """A branch by the image's size, a loop, and a list that grows in a loop."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.sigmoid(x) if x.shape[2] > 4 else torch.tanh(x)
        for step in range(3):
            y = torch.relu(y) + float(step) * x
        rows: list[torch.Tensor] = []
        for channel in range(y.shape[1]):
            rows.append(y[:, channel] * float(channel + 1))
        return torch.stack(rows, 1)


def resized(y: torch.Tensor) -> torch.Tensor:
    height, width = y.shape[2:]
    return functional.interpolate(y, size=(int(height * 1.5), int(width * 1.5)), mode="bilinear")


def unfolded(y: torch.Tensor) -> torch.Tensor:
    columns = functional.unfold(y, 3, padding=1).mean(1)
    return y * columns.view(y.shape[0], 1, y.shape[2], y.shape[3])


def expanded(y: torch.Tensor) -> torch.Tensor:
    places = torch.arange(y.shape[3], dtype=torch.float32) / y.shape[3]
    return y + places.view(1, 1, 1, -1).expand_as(y) * y.mean((2, 3), keepdim=True)


BETWEEN: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "reflection": nn.ReflectionPad2d((1, 2, 2, 1)),
    "size": resized,
    "scale": lambda y: functional.interpolate(y, scale_factor=1.5, mode="bilinear"),
    "like": lambda y: functional.interpolate(functional.max_pool2d(y, 2), size=y.shape[2:]),
    "unfold": unfolded,
    "chunk": lambda y: torch.cat(y.chunk(2, 1)[::-1], 1),
    "pooled": lambda y: y * functional.adaptive_avg_pool2d(y, 1),
    "expand": expanded,
    "squeeze": lambda y: y.mean(1, keepdim=True).squeeze(1).unsqueeze(1).repeat(1, 8, 1, 1),
    "standardised": Standardised(8, 8, 3),
    "sliced": lambda y: y[:, :, : y.shape[2] // 2, 1:-1],
}
# The exporter has no unfold in opset 9, and no resize to a size that it does not know.
CASES = [
    (name, opset) for name in BETWEEN for opset in (9, 11, 17) if (name, opset) != ("unfold", 9)
]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`export(module, opset)` is the file that torch's legacy exporter writes."""
    path = tmp_path_factory.mktemp("legacy") / "model.onnx"

    def write(module: nn.Module, opset: int, *, dynamic: bool = False) -> Path:
        axes = {0: "batch", 2: "height", 3: "width"}
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module.eval(),
                (torch.rand(IMAGE),),
                str(path),
                opset_version=opset,
                dynamo=False,
                input_names=["x"],
                output_names=["depth"],
                dynamic_axes={"x": axes, "depth": axes} if dynamic else None,
            )
        return path

    return write


@pytest.mark.parametrize(("name", "opset"), CASES)
def test_what_the_legacy_exporter_computes_of_shapes_is_folded(
    export: Callable[..., Path], name: str, opset: int
) -> None:
    torch.manual_seed(0)
    path = export(Around(BETWEEN[name]), opset, dynamic=opset > 9)
    model = onnx.load(path)
    fix_shapes(path, model, {"x": IMAGE} if opset > 9 else {})
    assert not set(kinds(folded(model))) & {*SHAPES, "Constant", "Range", "ConstantOfShape"}
    import_model(load_model(path, {"x": IMAGE}))


@pytest.mark.parametrize(("name", "opset"), [("scale", 9), ("sliced", 9), ("unfold", 12)])
def test_legacy_models_compile_and_agree(
    export: Callable[..., Path], tmp_path: Path, name: str, opset: int
) -> None:
    path = export(Around(BETWEEN[name]), opset)
    check = compile_model(path, "host", tmp_path / "out").manifest["check"]
    assert check["relative_difference"]["depth"] < 1e-5


@pytest.mark.parametrize("opset", [11, 17])
def test_scripted_branches_and_loops_are_written_out(
    export: Callable[..., Path], opset: int
) -> None:
    path = export(torch.jit.script(Scripted()), opset)
    assert not set(kinds(folded(onnx.load(path)))) & set(SHAPES)
    import_model(load_model(path))


@given(
    opset=st.sampled_from([11, 13, 18]),
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    axis=st.integers(-3, 2),
    form=st.sampled_from(["sizes", "step", "ones", "no axis"]),
    data=st.data(),
)
@settings(max_examples=25, deadline=None)
def test_sequences_become_their_tensors(
    opset: int, sizes: list[int], axis: int, form: str, data: st.DataObject
) -> None:
    graph = Graph()
    shape = [2, 3, 4]
    shape[axis] = sum(sizes)
    inputs = [graph.input(shape)]
    count = len(sizes)
    if form == "sizes":
        inputs.append(graph.constant(np.array(sizes)))
    elif form == "step":
        step = data.draw(st.integers(1, sum(sizes)))
        inputs.append(graph.constant(np.array(step)))
        count = -(-sum(sizes) // step)
    else:
        count = sum(sizes)
    keep = 0 if form == "no axis" else 1
    parts = graph.add("SplitToSequence", *inputs, axis=axis, keepdims=keep)
    place = graph.constant(np.array(data.draw(st.integers(-count, count - 1))))
    one = graph.add("SequenceAt", parts, place)
    if data.draw(st.booleans()):
        where = graph.constant(np.array(data.draw(st.integers(0, count))))
        parts = graph.add("SequenceInsert", parts, one, where)
    elif count > 1:
        parts = graph.add("SequenceErase", parts, place)
    length = graph.add("Cast", graph.add("SequenceLength", parts), to=TensorProto.FLOAT)
    last = graph.add("SequenceAt", parts, graph.constant(np.array(-1)))
    y = graph.add("Mul", graph.add("ReduceSum", last, keepdims=0), length)
    model = graph.model(y, opset=opset)
    del model.graph.value_info[:]
    made = folded(model)
    assert not [kind for kind in kinds(made) if "Sequence" in kind]


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    start=st.integers(-5, 5),
    end=st.none() | st.integers(-5, 5),
)
@settings(max_examples=25, deadline=None)
def test_parts_of_shapes(shape: list[int], start: int, end: int | None) -> None:
    graph = Graph()
    x = graph.input(shape)
    ends = {} if end is None else {"end": end}
    part = graph.add("Shape", graph.add("Exp", x), start=start, **ends)
    y = graph.add("ConstantOfShape", part)
    assert kinds(folded(graph.model(y))) == []


def test_a_model_without_anything_constant_stays_as_it_is(graph: Graph) -> None:
    y = graph.convolution(graph.input([1, 3, 8, 8]), [4, 3, 3, 3])
    model = graph.model(graph.add("Relu", y))
    assert folded(model).SerializeToString() == model.SerializeToString()


def test_weights_as_bytes_stay_bytes(graph: Graph) -> None:
    scale, zero = graph.constant(np.float32(0.1)), graph.constant(np.int8(0))
    bytes_ = graph.add("QuantizeLinear", graph.weight(4, 3, 3, 3), scale, zero)
    weight = graph.add("DequantizeLinear", bytes_, scale, zero)
    y = graph.add("Conv", graph.input([1, 3, 8, 8]), weight)
    made = folded(graph.model(y))
    assert kinds(made) == ["DequantizeLinear", "Conv"]
    assert {tensor.data_type for tensor in made.graph.initializer} == {1, TensorProto.INT8}


def test_outputs_may_be_constant(graph: Graph, tmp_path: Path) -> None:
    x = graph.input([2, 3])
    shape = graph.add("Shape", x)
    root = graph.add("Sqrt", graph.constant(np.array([4, 9], np.float32)))
    onnx.save(graph.model(graph.add("Relu", x), shape, root), str(tmp_path / "m.onnx"))
    check = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out").manifest["check"]
    assert set(check["relative_difference"].values()) == {0}


def test_weights_that_are_inputs_too_are_weights(graph: Graph, tmp_path: Path) -> None:
    name = graph.weight(4, 3, 3, 3)
    y = graph.add("Conv", graph.input([1, 3, 8, 8]), graph.add("Exp", name))
    model = graph.model(y)
    model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 3, 3, 3]))
    onnx.save(model, str(tmp_path / "m.onnx"))
    compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")


def test_what_would_be_far_larger_as_a_weight_is_left(graph: Graph) -> None:
    size = graph.constant(np.array([64, 1024, 1024]))
    two = numpy_helper.from_array(np.array([2], np.float32))
    large = graph.add("ConstantOfShape", size, value=two)
    model = graph.model(graph.add("Mul", graph.input([1]), large))
    fold_constants(model)
    assert kinds(model) == ["ConstantOfShape", "Mul"]


def test_random_numbers_are_not_constant(graph: Graph) -> None:
    noise = graph.add("RandomNormalLike", graph.weight(2, 3))
    model = graph.model(graph.add("Add", graph.input([2, 3]), noise))
    fold_constants(model)
    assert kinds(model) == ["RandomNormalLike", "Add"]


def test_dropout_is_folded_unless_it_may_be_for_training(graph: Graph) -> None:
    ratio, training = graph.constant(np.float32(0.5)), graph.constant(np.array(True))
    kept = graph.add("Dropout", graph.weight(2, 3), ratio)
    dropped = graph.add("Dropout", graph.weight(2, 3), ratio, training)
    model = graph.model(graph.add("Sum", graph.input([2, 3]), kept, dropped))
    fold_constants(model)
    assert kinds(model) == ["Dropout", "Sum"]


def test_shapes_that_the_file_says_are_not_believed(graph: Graph) -> None:
    x = graph.input([1, 3, 8, 8])
    between = graph.add("Relu", x)
    size = graph.add("Cast", graph.add("Size", between), to=TensorProto.FLOAT)
    model = graph.model(graph.add("Mul", x, size))
    for value in model.graph.value_info:
        if value.name == between:
            value.type.tensor_type.shape.dim[2].dim_value = 4
    fold_constants(model)
    sizes = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer]
    assert sizes == [np.float32(192)]


def test_a_loop_over_rows_of_results(graph: Graph) -> None:
    def value(name: str, kind: int, shape: Any = ()) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, kind, shape)

    x = graph.input([2, 3])
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["goes_on"]),
            helper.make_node("Cast", ["step"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["state", "number"], ["next"]),
            helper.make_node("Mul", ["next", x], ["row"]),
        ],
        "body",
        [
            value("step", TensorProto.INT64),
            value("going", TensorProto.BOOL),
            value("state", TensorProto.FLOAT, [2, 3]),
        ],
        [
            value("goes_on", TensorProto.BOOL),
            value("next", TensorProto.FLOAT, [2, 3]),
            value("row", TensorProto.FLOAT, [2, 3]),
        ],
    )
    start = graph.constant(np.zeros((2, 3), np.float32))
    inputs = (graph.constant(np.array(4)), graph.constant(np.array(True)), start)
    last, rows = graph.add("Loop", *inputs, outputs=2, body=body)
    model = graph.model(graph.add("Add", rows, last))
    assert "Loop" not in kinds(folded(model))


def test_constants_that_onnxruntime_cannot_compute_are_left(graph: Graph) -> None:
    root = graph.add("Sqrt", graph.constant(np.array([1, 4], np.int32)))
    high = graph.add("Cast", root, to=TensorProto.FLOAT)
    model = graph.model(graph.add("Add", graph.input([2]), high))
    fold_constants(model)
    assert kinds(model) == ["Sqrt", "Cast", "Add"]


@pytest.mark.parametrize("typed", [True, False])
def test_outputs_without_a_shape(graph: Graph, tmp_path: Path, typed: bool) -> None:
    model = graph.model(graph.add("Reshape", graph.input([2, 3]), graph.constant([3, 2])))
    model.graph.output[0].ClearField("type")
    if typed:
        model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    onnx.save(model, str(tmp_path / "m.onnx"))
    (port,) = output_ports(source := load_model(tmp_path / "m.onnx"), import_model(source))
    assert port.shape == (3, 2)
