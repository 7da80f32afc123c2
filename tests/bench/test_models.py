"""What is read of an ONNX file: its ports, and an identity that covers weights beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.measure.request import MeasurementRequest
from bench.models import fix_shapes, load_model
from bench.quantise import Calibration, quantise
from compile.artefact import Artefact
from depthbench.errors import InputError

Make = Callable[..., Path]


@pytest.fixture
def make_external(tmp_path: Path) -> Make:
    """Make a model of three convolutions whose weights, `first` times noise, lie in w.bin."""

    def make(first: float = 1.0, edges: tuple[int | str, ...] = (16, 16)) -> Path:
        path = tmp_path / "model" / "deep.onnx"
        path.parent.mkdir(exist_ok=True)
        random = np.random.default_rng(0)
        shapes = {"a": (4, 3, 3, 3), "b": (4, 4, 3, 3), "c": (1, 4, 3, 3)}
        weights = {name: random.random(shape, dtype=np.float32) for name, shape in shapes.items()}
        weights["a"] *= first
        names = ["image", "x", "y", "depth"]
        nodes = [
            helper.make_node("Conv", [names[i], w], [names[i + 1]], w, pads=[1, 1, 1, 1])
            for i, w in enumerate(weights)
        ]
        graph = helper.make_graph(
            nodes,
            "deep",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *edges])],
            [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *edges])],
            [numpy_helper.from_array(value, name) for name, value in weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        (path.parent / "w.bin").unlink(missing_ok=True)
        onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
        return path

    return make


def test_a_file_above_2_gib_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.onnx"
    with path.open("wb") as file:
        file.truncate((1 << 31) + 1)  # takes no room on the disk
    with pytest.raises(InputError, match=r"huge\.onnx: larger than 2 GiB"):
        load_model(path)


def test_weights_that_are_listed_as_inputs_are_none(tmp_path: Path) -> None:
    ports = [
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [1, 3, 1, 1]),
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, "height", 8]),
    ]
    depth = helper.make_tensor_value_info("depth", TensorProto.FLOAT, None)
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1, 3, 1, 1], [0.0, 1.0, 0.0])
    node = helper.make_node("Conv", ["image", "w"], ["depth"])
    graph = helper.make_graph([node], "old", ports, [depth], [weight])
    onnx.save(helper.make_model(graph), tmp_path / "old.onnx")
    model = load_model(tmp_path / "old.onnx")
    assert [str(port) for port in model.inputs] == ["'image' (1x3x?x8 float32)"]
    assert [str(port) for port in model.outputs] == ["'depth' (unknown shape float32)"]


def test_weights_beside_the_file_are_part_of_its_identity(make_external: Make) -> None:
    path = make_external()
    content, first = path.read_bytes(), load_model(path).sha256
    assert load_model(make_external()).sha256 == first
    other = make_external(2.0)
    assert other.read_bytes() == content
    assert load_model(other).sha256 != first


def test_a_model_is_quantised_again_when_only_its_weights_changed(
    make_external: Make, tmp_path: Path
) -> None:
    path, rooms = tmp_path / "deep-int8.onnx", Calibration("rooms", images=1)
    first = quantise(load_model(make_external()), path, rooms)
    again = quantise(load_model(make_external()), path, rooms)
    assert again.sha256 == first.sha256
    assert quantise(load_model(make_external(2.0)), path, rooms).sha256 != first.sha256


def test_an_artefact_is_of_the_weights_that_it_was_compiled_from(
    make_external: Make, artefact: Artefact
) -> None:
    path = make_external()
    artefact.manifest["source"]["sha256"] = load_model(path).sha256

    def check_source() -> None:
        MeasurementRequest(artefact, path, None).check_source()  # type: ignore[arg-type]

    check_source()
    make_external(2.0)
    with pytest.raises(InputError, match="compiled from another file"):
        check_source()


def test_a_copy_of_fixed_shape_holds_its_weights(make_external: Make, tmp_path: Path) -> None:
    path = make_external(edges=("height", "width"))
    image = np.random.default_rng(1).random((1, 3, 8, 12), dtype=np.float32)
    expected = onnxruntime.InferenceSession(path).run(None, {"image": image})[0]
    fixed = fix_shapes(str(path), {"image": (1, 3, 8, 12)}, tmp_path / "out")
    for file in path.parent.iterdir():
        file.unlink()
    session = onnxruntime.InferenceSession(fixed)
    assert session.get_inputs()[0].shape == [1, 3, 8, 12]
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], expected)
