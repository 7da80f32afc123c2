from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper

from compile.onnx.checked_model import load_model
from compile.onnx.importer import import_model
from depthbench.errors import InputError
from tests.compile.conftest import Graph


@pytest.fixture
def relu(graph: Graph) -> onnx.ModelProto:
    """A model with a weight, to be broken."""
    return graph.model(graph.add("Relu", graph.add("Add", graph.input([1, 64]), graph.weight(64))))


def refused(path: Path, **options: Any) -> str:
    """The one line that loading the model ends with."""
    with pytest.raises(InputError) as caught:
        load_model(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def saved(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    onnx.save(model, str(path))
    return path


def external(
    model: onnx.ModelProto, folder: Path, change: Callable[[dict[str, str]], None]
) -> Path:
    """The model saved with its weights in `weights.bin`, its references to them changed."""
    onnx.save(
        model,
        str(folder / "model.onnx"),
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    proto = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    for tensor in proto.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        change(entries)
        del tensor.external_data[:]
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
    (folder / "model.onnx").write_bytes(proto.SerializeToString())
    return folder / "model.onnx"


def test_ports_and_hash(relu: onnx.ModelProto, tmp_path: Path) -> None:
    model = load_model(saved(relu, tmp_path))
    assert [port.to_dict() for port in model.inputs] == [
        {"name": "x", "shape": [1, 64], "dtype": "float32"}
    ]
    assert model.outputs == (relu.graph.output[0].name,)
    assert model.warnings == ()


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nothing.onnx")
    assert "not a file" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello, world\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    assert "not an ONNX model" in refused(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated(relu: onnx.ModelProto, tmp_path: Path, share: float) -> None:
    path = saved(relu, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path)


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**31 + 1)  # sparse: takes no room
    assert "2 GiB" in refused(path)


def test_weights_in_another_file_of_the_folder(relu: onnx.ModelProto, tmp_path: Path) -> None:
    whole = load_model(saved(relu, tmp_path))
    path = external(relu, tmp_path, lambda entries: None)
    model = load_model(path)
    assert (tmp_path / "weights.bin").exists()
    assert model.proto.graph.initializer[0].raw_data == whole.proto.graph.initializer[0].raw_data
    assert not external_data_helper.uses_external_data(model.proto.graph.initializer[0])
    first = model.sha256
    content = bytearray((tmp_path / "weights.bin").read_bytes())
    content[0] ^= 1
    (tmp_path / "weights.bin").write_bytes(bytes(content))
    assert load_model(path).sha256 != first


@pytest.mark.parametrize("place", ["../secret.bin", "/etc/passwd", "a/../../secret.bin"])
def test_weights_outside_the_folder(relu: onnx.ModelProto, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(4096))
    path = external(relu, folder, lambda entries: entries.update(location=place))
    assert "outside the model's folder" in refused(path)


def test_weights_through_a_link_out_of_the_folder(relu: onnx.ModelProto, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = external(relu, folder, lambda entries: None)
    (folder / "weights.bin").rename(tmp_path / "elsewhere.bin")
    (folder / "weights.bin").symlink_to(tmp_path / "elsewhere.bin")
    assert "outside the model's folder" in refused(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"location": "gone.bin"}, "missing"),
        ({"location": "a\0b"}, "no valid place"),
        ({"location": "x" * 300}, "no valid place"),
        ({"offset": "9999999"}, "too short"),
        ({"length": "9999999"}, "too short"),
        ({"offset": "-8"}, "too short"),
        ({"offset": "three"}, "no valid place"),
        ({"length": str(2**40)}, "too short"),
    ],
)
def test_broken_reference_to_weights(
    relu: onnx.ModelProto, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    path = external(relu, tmp_path, lambda entries: entries.update(change))
    assert words in refused(path)


@pytest.mark.parametrize(
    "elements", [TensorProto.UNDEFINED, TensorProto.STRING, TensorProto.COMPLEX64, 99]
)
def test_inputs_that_are_no_numbers(graph: Graph, tmp_path: Path, elements: int) -> None:
    model = graph.model(graph.add("Identity", graph.input([1, 4])))
    model.graph.input[0].type.tensor_type.elem_type = elements
    refused(saved(model, tmp_path))


def test_unsupported_operator_is_named_with_its_node(graph: Graph, tmp_path: Path) -> None:
    x = graph.input([1, 4])
    model = graph.model(graph.add("StringConcat", x, x), opset=20)
    message = refused(saved(model, tmp_path))
    assert "StringConcat" in message
    assert "/stringconcat0_0" in message
    assert "export the model with other operators" in message
    assert "did you mean" not in message


def test_an_operator_of_another_domain_is_not_its_namesake(
    relu: onnx.ModelProto, tmp_path: Path
) -> None:
    relu.graph.node[0].domain = "my.company"
    relu.opset_import.add(domain="my.company", version=1)
    message = refused(saved(relu, tmp_path))
    assert "operator my.company.Add " in message
    assert "did you mean 'Add'" in message


def test_unsupported_operator_in_a_branch(graph: Graph, tmp_path: Path) -> None:
    x = graph.input([1, 4])
    value = helper.make_tensor_value_info("inner", onnx.TensorProto.FLOAT, [1, 4])
    inner = helper.make_graph(
        [helper.make_node("StringConcat", [x, x], ["inner"], name="deep")],
        "branch",
        [],
        [value],
    )
    condition = graph.add("Cast", graph.add("ReduceMax", x, keepdims=0), to=onnx.TensorProto.BOOL)
    model = graph.model(graph.add("If", condition, then_branch=inner, else_branch=inner), opset=20)
    assert "'deep'" in refused(saved(model, tmp_path))


@pytest.mark.parametrize(("opset", "word"), [(5, "old"), (99, "new")])
def test_opset(relu: onnx.ModelProto, tmp_path: Path, opset: int, word: str) -> None:
    relu.opset_import[0].version = opset
    assert f"too {word}" in refused(saved(relu, tmp_path))


def test_dynamic_shape(graph: Graph, tmp_path: Path) -> None:
    model = graph.model(graph.add("Relu", graph.input(["batch", 3, "height", 8])))
    path = saved(model, tmp_path)
    message = refused(path)
    assert "batchx3xheightx8" in message
    assert "--input-shape" in message
    fixed = load_model(path, {"x": [2, 3, 4, 8]})
    assert fixed.inputs[0].shape == (2, 3, 4, 8)
    assert import_model(fixed)["main"].ret_ty.shape.values[2] == 4


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"image": [1, 3, 4, 8]}, "no input 'image'"),
        ({"x": [1, 3]}, "4 axes"),
        ({"x": [1, 4, 4, 8]}, "another shape"),
        ({"x": [0, 3, 4, 8]}, "4 axes"),
    ],
)
def test_wrong_input_shape(
    graph: Graph, tmp_path: Path, shapes: dict[str, list[int]], words: str
) -> None:
    model = graph.model(graph.add("Relu", graph.input(["batch", 3, "height", 8])))
    assert words in refused(saved(model, tmp_path), input_shapes=shapes)


def test_result_whose_shape_depends_on_the_data(graph: Graph, tmp_path: Path) -> None:
    places = graph.add("NonZero", graph.add("Relu", graph.input([2, 3])))
    source = load_model(saved(graph.model(places), tmp_path))
    since = rf"depends on the data since operator NonZero \(node '/{places}'\)"
    with pytest.raises(InputError, match=since) as caught:
        import_model(source)
    assert "end the model before" in caught.value.advice


def test_invalid_graph(relu: onnx.ModelProto, tmp_path: Path) -> None:
    relu.graph.node[0].input[0] = "nobody"
    assert "not a valid ONNX model" in refused(saved(relu, tmp_path))


def test_weights_that_are_not_finite_are_warned_of(graph: Graph, tmp_path: Path) -> None:
    bad = graph.constant(np.array([1, np.nan], np.float32))
    model = graph.model(graph.add("Add", graph.input([1, 2]), bad))
    (warning,) = load_model(saved(model, tmp_path)).warnings
    assert repr(bad) in warning


def test_import_prints_nothing(
    relu: onnx.ModelProto, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import_model(load_model(saved(relu, tmp_path)))
    assert capfd.readouterr() == ("", "")


def test_a_failed_import_prints_nothing_beside_its_line(
    graph: Graph, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    three_channels = graph.input([1, 3, 4, 4])
    y = graph.add("DepthToSpace", graph.add("Relu", three_channels), blocksize=2)
    source = load_model(saved(graph.model(y), tmp_path))
    with pytest.raises(InputError, match="cannot import") as caught:
        import_model(source)
    del caught
    gc.collect()
    assert capfd.readouterr() == ("", "")


def test_an_input_without_a_shape_is_given_one(graph: Graph, tmp_path: Path) -> None:
    model = graph.model(graph.add("Relu", graph.input([1])))
    model.graph.input[0].type.tensor_type.ClearField("shape")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    path = saved(model, tmp_path)
    assert "dynamic shape (unknown)" in refused(path)
    assert load_model(path, {"x": [2, 3]}).inputs[0].shape == (2, 3)


def test_outputs_that_are_sequences_are_refused(graph: Graph, tmp_path: Path) -> None:
    model = graph.model(graph.add("SplitToSequence", graph.input([2, 3])))
    assert "is no tensor" in refused(saved(model, tmp_path))


def test_constants_without_elements(graph: Graph, tmp_path: Path) -> None:
    x, empty = graph.input([2, 3]), graph.constant(np.zeros((0, 3), np.float32))
    joined = graph.add("Concat", empty, graph.add("Relu", x), empty, axis=0)
    source = load_model(saved(graph.model(joined), tmp_path))
    assert [node.op_type for node in source.proto.graph.node] == ["Relu", "Concat"]
    assert import_model(source)
    total = graph.add("ReduceSum", x, keepdims=0)
    added = graph.add("ReduceSum", graph.add("Mul", empty, total), keepdims=0)
    with pytest.raises(InputError, match="constant of shape 0x3"):
        import_model(load_model(saved(graph.model(added), tmp_path)))


def test_output_of_a_type_that_arrays_lack_is_refused(tmp_path: Path, graph: Graph) -> None:
    short = graph.add("Cast", graph.input([2, 3]), to=onnx.TensorProto.FLOAT8E4M3FN)
    model = graph.model(short, opset=19)
    with pytest.raises(InputError, match="float8_e4m3fn"):
        import_model(load_model(saved(model, tmp_path)))


def test_output_of_double_precision_is_taken(tmp_path: Path, graph: Graph) -> None:
    long = graph.add("Cast", graph.input([2, 3]), to=onnx.TensorProto.DOUBLE)
    import_model(load_model(saved(graph.model(long), tmp_path)))
