"""Quantised files: which products, calibrated on what, and what becomes of the result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.models import Model, load_model
from bench.quantise import STAMP, Calibration, inner_products, quantise
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench.errors import InputError
from depthnet.card.image_input import to_input
from depthnet.data import open_dataset

ROOMS = Calibration("rooms", images=3)


def small_network() -> onnx.ModelProto:
    """A stem, a pointwise and a depthwise convolution in a branch, and a head of two."""
    random = np.random.default_rng(0)
    shapes = {"stem": (8, 3), "inner": (8, 8), "deep": (8, 1), "side": (8, 8), "head": (1, 8)}
    weights = [
        numpy_helper.from_array(
            (random.standard_normal((*shape, 3, 3)) / np.sqrt(9 * shape[1])).astype(np.float32),
            f"{name}.weight",
        )
        for name, shape in shapes.items()
    ]

    def convolve(name: str, source: str, groups: int = 1) -> onnx.NodeProto:
        inputs = [source, f"{name}.weight"]
        return helper.make_node("Conv", inputs, [name], name, pads=[1, 1, 1, 1], group=groups)

    nodes = [
        convolve("stem", "image"),
        helper.make_node("Relu", ["stem"], ["relu"], "relu"),
        convolve("inner", "relu"),
        convolve("deep", "inner", 8),
        convolve("side", "relu"),
        helper.make_node("Add", ["deep", "side"], ["sum"], "sum"),
        convolve("head", "sum"),
        helper.make_node("Abs", ["head"], ["depth"], "abs"),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 32, 32])
    graph = helper.make_graph(nodes, "small", [image], [depth], weights)
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    helper.set_model_props(model, {"name": "small"})
    return model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    onnx.save(small_network(), str(tmp_path / "small.onnx"))
    return load_model(tmp_path / "small.onnx")


def test_the_first_the_last_and_the_depthwise_stay_float() -> None:
    assert inner_products(small_network().graph) == ["inner", "side"]


def test_only_the_chosen_products_read_bytes(model: Model, tmp_path: Path) -> None:
    made = quantise(model, tmp_path / "small-int8.onnx", ROOMS)
    graph = onnx.load(str(made.path)).graph
    makers = {name: node for node in graph.node for name in node.output}
    read = {
        node.name: [makers[name].op_type for name in node.input if name in makers]
        for node in graph.node
        if node.op_type == "Conv"
    }
    for name in ("inner", "side"):
        assert read[name][:2] == ["DequantizeLinear", "DequantizeLinear"]
    for name in ("stem", "head"):
        assert "DequantizeLinear" not in read[name]
    assert made.quantised
    assert (made.name, made.metadata["name"]) == ("small", "small")


def of_no_names(proto: onnx.ModelProto) -> onnx.ModelProto:
    for node in proto.graph.node:
        node.name = ""
    return proto


def of_computed_weights(proto: onnx.ModelProto) -> onnx.ModelProto:
    for node in [node for node in proto.graph.node if node.op_type == "Conv"]:
        centred = f"{node.name}/centred"
        mean = helper.make_node("ReduceMean", [node.input[1]], [f"{node.name}/mean"])
        proto.graph.node.insert(
            0, helper.make_node("Sub", [node.input[1], f"{node.name}/mean"], [centred])
        )
        proto.graph.node.insert(0, mean)
        node.input[1] = centred
    return proto


def of_half(proto: onnx.ModelProto) -> onnx.ModelProto:
    for tensor in proto.graph.initializer:
        value = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
    proto.graph.node[-1].output[0] = "half_depth"
    for node in proto.graph.node:
        node.input[:] = ["half_image" if name == "image" else name for name in node.input]
    cast = helper.make_node("Cast", ["image"], ["half_image"], to=TensorProto.FLOAT16)
    proto.graph.node.insert(0, cast)
    proto.graph.node.append(
        helper.make_node("Cast", ["half_depth"], ["depth"], to=TensorProto.FLOAT)
    )
    return proto


def of_opset_11(proto: onnx.ModelProto) -> onnx.ModelProto:
    proto.opset_import[0].version = 11
    for node in [node for node in proto.graph.node if node.op_type == "Conv"]:
        bias = np.zeros(1 if node.name == "head" else 8, np.float32)
        proto.graph.initializer.append(numpy_helper.from_array(bias, f"{node.name}.bias"))
        node.input.append(f"{node.name}.bias")
    return proto


@pytest.mark.parametrize("form", [of_no_names, of_computed_weights, of_half, of_opset_11])
def test_files_of_any_form_are_quantised(
    form: Callable[[onnx.ModelProto], onnx.ModelProto], tmp_path: Path
) -> None:
    onnx.save(form(small_network()), str(tmp_path / "small.onnx"))
    model = load_model(tmp_path / "small.onnx")
    made = quantise(model, tmp_path / "small-int8.onnx", ROOMS)
    onnx.checker.check_model(made.path)
    weights = onnx.load(made.path).graph.initializer
    assert sum(t.data_type == TensorProto.INT8 and len(t.dims) == 4 for t in weights) == 2
    image = {"image": to_input(open_dataset("rooms", "test", 1)[0].image, (32, 32))}
    whole, reduced = (OnnxRuntimeCpu(one.path).run(image)["depth"] for one in (model, made))
    assert 0 < np.abs(whole - reduced).max() < 0.05 * np.abs(whole).max()


def test_onnxruntime_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    proto = small_network()
    proto.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "unused"))
    proto.graph.output[0].type.tensor_type.shape.dim[2].dim_value = 99
    onnx.save(proto, str(tmp_path / "small.onnx"))
    quantise(load_model(tmp_path / "small.onnx"), tmp_path / "small-int8.onnx", ROOMS)
    assert "onnxruntime" not in capfd.readouterr().err


def test_weights_beside_a_file_are_part_of_it(tmp_path: Path) -> None:
    place = tmp_path / "small.onnx"
    onnx.save(
        small_network(), place, save_as_external_data=True, location="w.bin", size_threshold=0
    )
    path = tmp_path / "small-int8.onnx"
    quantise(load_model(place), path, ROOMS)
    inode = path.stat().st_ino
    content = bytearray((tmp_path / "w.bin").read_bytes())
    content[3] ^= 0x80
    (tmp_path / "w.bin").write_bytes(bytes(content))
    quantise(load_model(place), path, ROOMS)
    assert path.stat().st_ino != inode


def test_its_output_is_near_the_float_models(model: Model, tmp_path: Path) -> None:
    made = quantise(model, tmp_path / "small-int8.onnx", ROOMS)
    image = {"image": to_input(open_dataset("rooms", "test", 1)[0].image, (32, 32))}
    whole, reduced = (OnnxRuntimeCpu(one.path).run(image)["depth"] for one in (model, made))
    assert 0 < np.abs(whole - reduced).max() < 0.05 * np.abs(whole).max()


def test_a_file_is_kept_until_something_changes(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "small-int8.onnx"
    first = quantise(model, path, ROOMS)
    inode = path.stat().st_ino
    assert quantise(model, path, ROOMS) == first
    assert path.stat().st_ino == inode
    quantise(model, path, Calibration("rooms", images=2))
    assert path.stat().st_ino != inode
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["small-int8.onnx", "small.onnx"]


def test_a_file_that_older_code_made_is_made_again(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "small-int8.onnx"
    stamp = json.loads(quantise(model, path, ROOMS).metadata[STAMP])
    stamp.pop("recipe", None)
    old = small_network()
    helper.set_model_props(old, {STAMP: json.dumps(stamp)})
    onnx.save(old, str(path))
    assert quantise(model, path, ROOMS).quantised


def test_quantised_models_are_refused(model: Model, tmp_path: Path) -> None:
    made = quantise(model, tmp_path / "small-int8.onnx", ROOMS)
    with pytest.raises(InputError, match="quantised already"):
        quantise(made, tmp_path / "again.onnx", ROOMS)


def test_a_model_with_nothing_between_is_refused(tmp_path: Path) -> None:
    short = small_network()
    del short.graph.node[1:]
    short.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("stem", TensorProto.FLOAT, [1, 8, 32, 32])
    )
    onnx.save(short, str(tmp_path / "short.onnx"))
    with pytest.raises(InputError, match="no convolution to quantise"):
        quantise(load_model(tmp_path / "short.onnx"), tmp_path / "out.onnx", ROOMS)
    assert not (tmp_path / "out.onnx").exists()
