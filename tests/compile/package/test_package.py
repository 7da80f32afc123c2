"""A package's folder and its library, on this machine, beside ONNX Runtime."""

from __future__ import annotations

import ctypes
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from compile.listed_files import sha256_of
from compile.package.build_package import package_model
from compile.package.loaded_library import LoadedNetwork, open_library
from compile.package.manifest_file import Package, load_package
from compile.runtime.aligned_array import aligned_empty
from depthbench.errors import CheckFailed, InputError

OK, BAD_ARGUMENT, BAD_NETWORK, BAD_BUFFER, BUSY = range(5)
NO_WEIGHTS = 7


def _model(path: Path) -> Path:
    """Outputs that are a kernel's result, a view of another output, a constant and an input."""
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((8, 3, 3, 3), np.float32)
    constant = generator.standard_normal((2, 3), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "weight"], ["sums"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["sums"], ["positive"]),
        helper.make_node("Reshape", ["positive", "flat"], ["row"]),
        helper.make_node("Softmax", ["row"], ["shares"]),
        helper.make_node("Identity", ["constant"], ["same"]),
        helper.make_node("Identity", ["x"], ["through"]),
    ]
    outputs = {
        "positive": [1, 8, 12, 10],
        "row": [1, 960],
        "shares": [1, 960],
        "same": [2, 3],
        "through": [1, 3, 12, 10],
    }
    inputs = {"x": [1, 3, 12, 10], "unused": [2]}
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, of) for name, of in inputs.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, of)
            for name, of in outputs.items()
        ],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(constant, "constant"),
            numpy_helper.from_array(np.array([1, -1]), "flat"),
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _model(tmp_path_factory.mktemp("model") / "odd one.onnx")


@pytest.fixture(scope="module")
def package(model: Path) -> Package:
    return package_model(model, "host", model.parent / "package")


@pytest.fixture(scope="module")
def beside(model: Path) -> Package:
    """Its weights are in a file."""
    return package_model(model, "host", model.parent / "beside", weights="file")


@pytest.fixture
def network(package: Package) -> Iterator[LoadedNetwork]:
    with LoadedNetwork(package.library) as made:
        yield made


def _inputs(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {
        "x": generator.standard_normal((1, 3, 12, 10), np.float32),
        "unused": generator.standard_normal(2, np.float32),
    }


def _expected(model: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def _assert_equal(results: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(results) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(results[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_library_computes_what_onnxruntime_does(model: Path, network: LoadedNetwork) -> None:
    for seed in range(3):
        inputs = _inputs(seed)
        _assert_equal(network.run(inputs), _expected(model, inputs))


def test_buffers_may_begin_anywhere_and_overlap(model: Path, network: LoadedNetwork) -> None:
    inputs = _inputs(1)
    image, unused = inputs.values()
    moved = np.zeros(image.nbytes + 4, np.uint8)[4:].view(np.float32).reshape(image.shape)
    moved[:] = image
    outputs = [np.empty(shape, dtype) for shape, dtype in network.outputs.values()]
    shared = aligned_empty(image.shape, "float32")
    shared[:] = image
    outputs[-1] = shared
    expected = _expected(model, inputs)
    network.run_on([moved, unused], outputs)
    _assert_equal(dict(zip(network.outputs, outputs, strict=True)), expected)
    outputs[0] = np.resize(shared, outputs[0].shape)
    whole = aligned_empty(outputs[0].shape, "float32")
    whole.reshape(-1)[: image.size] = image.reshape(-1)
    outputs[0] = whole  # the first result takes the place of the input
    network.run_on([whole.reshape(-1)[: image.size].reshape(image.shape), unused], outputs)
    np.testing.assert_allclose(whole, expected["positive"], rtol=1e-5, atol=1e-6)


def test_weights_may_lie_in_a_file(model: Path, beside: Package) -> None:
    assert beside.weights is not None
    with LoadedNetwork(beside.library, weights=beside.weights) as network:
        inputs = _inputs(4)
        _assert_equal(network.run(inputs), _expected(model, inputs))


def test_wrong_weights_are_refused(beside: Package, tmp_path: Path) -> None:
    assert beside.weights is not None
    content = beside.weights.read_bytes()
    wrong = tmp_path / "wrong.weights"
    for bad in (content[:-64], content[:40], b"", b"?" + content[1:], content + b"0"):
        wrong.write_bytes(bad)
        with pytest.raises(CheckFailed, match=r"answers 7: .*not the weights of this network"):
            LoadedNetwork(beside.library, weights=wrong)
    with pytest.raises(CheckFailed, match="no such file"):
        LoadedNetwork(beside.library, weights=tmp_path / "none")
    with pytest.raises(CheckFailed, match=r"options\.weights"):
        LoadedNetwork(beside.library)


def test_short_and_missing_buffers_are_refused(network: LoadedNetwork) -> None:
    inputs = list(_inputs(0).values())
    outputs = [aligned_empty(shape, dtype) for shape, dtype in network.outputs.values()]
    with pytest.raises(CheckFailed, match="answers 3: input 0, x, has 1436 bytes and needs 1440"):
        network.run_on([inputs[0].reshape(-1)[:-1], inputs[1]], outputs)
    with pytest.raises(CheckFailed, match="answers 3: output 3, same"):
        network.run_on(inputs, [*outputs[:3], outputs[3][:1], outputs[4]])
    library, handle = network.library, network.handle
    assert library.depth_run(handle, None, None, None, None) == BAD_ARGUMENT
    assert b"inputs" in library.depth_last_error(handle)
    network.run_on(inputs, outputs)
    assert library.depth_last_error(handle) == b""


def test_a_destroyed_network_is_recognised(package: Package) -> None:
    library = open_library(package.library)
    first, second = ctypes.c_uint64(), ctypes.c_uint64()
    assert library.depth_create(ctypes.byref(first), None) == OK
    assert library.depth_destroy(first) == OK
    assert library.depth_destroy(first) == BAD_NETWORK
    assert b"destroyed" in library.depth_last_error(first)
    assert library.depth_create(ctypes.byref(second), None) == OK
    assert second.value != first.value
    for handle in (0, first.value, 2**64 - 1):
        assert library.depth_run(handle, None, None, None, None) == BAD_NETWORK
    assert library.depth_destroy(second) == OK
    assert library.depth_create(None, None) == BAD_ARGUMENT


def test_instances_run_side_by_side(model: Path, package: Package) -> None:
    wrong: list[str] = []

    def run(seed: int) -> None:
        inputs = _inputs(seed)
        expected = _expected(model, inputs)
        with LoadedNetwork(package.library) as network:
            for _ in range(50):
                try:
                    _assert_equal(network.run(inputs), expected)
                except AssertionError as error:
                    wrong.append(str(error))

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_threads_share_an_inference(model: Path, tmp_path: Path) -> None:
    package = package_model(model, "host", tmp_path / "package", threads=2)
    inputs = _inputs(1)
    with LoadedNetwork(package.library) as network:
        for _ in range(50):
            _assert_equal(network.run(inputs), _expected(model, inputs))


def test_what_the_library_says(package: Package, network: LoadedNetwork) -> None:
    assert network.library.depth_api_version() == 1
    assert network.inputs == {"x": ((1, 3, 12, 10), "float32"), "unused": ((2,), "float32")}
    assert network.outputs["row"] == ((1, 960), "float32")
    assert not network.library.depth_input(2)
    assert not network.library.depth_output(-1)
    said = network.manifest
    assert {key: package.manifest[key] for key in said} == said
    assert said["target"]["name"] == "host"
    assert len(said["artefact_sha256"]) == 64


def test_the_folder_is_whole_and_reused(model: Path, package: Package) -> None:
    assert package.library.name == "libodd_one.so"
    assert load_package(package.folder).manifest == package.manifest
    again = package_model(model, "host", package.folder)
    assert again.reused
    listed = package.manifest["files"]
    present = {
        str(file.relative_to(package.folder))
        for file in package.folder.rglob("*")
        if file.is_file()
    }
    assert present == {*listed, "package.json"}
    for name, entry in listed.items():
        assert sha256_of(package.folder / name) == entry["sha256"]


def test_what_is_no_package_is_not_replaced(model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InputError, match="is not a package"):
        package_model(model, "host", tmp_path)
    assert (tmp_path / "notes").read_text() == "mine"


def test_a_damaged_package_is_named(package: Package, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a package"):
        load_package(tmp_path)
    (tmp_path / "package.json").write_text(json.dumps(package.manifest))
    with pytest.raises(InputError, match=r"odd_oneConfig\.cmake: missing"):
        load_package(tmp_path)


def test_an_unknown_platform_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no packages are made for 'arm64-a76'"):
        package_model(model, "arm64-a76", tmp_path / "package")


def test_a_model_that_needs_tvms_runtime_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("TopK", ["x", "count"], ["values", "places"])],
        "largest",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 5])],
        [
            helper.make_tensor_value_info("values", TensorProto.FLOAT, [4, 2]),
            helper.make_tensor_value_info("places", TensorProto.INT64, [4, 2]),
        ],
        [numpy_helper.from_array(np.array([2]), "count")],
    )
    path = tmp_path / "largest.onnx"
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    with pytest.raises(InputError, match=r"its kernels call .*TVMFFIFunctionCall"):
        package_model(path, "host", tmp_path / "package")
    assert list(tmp_path.iterdir()) == [path]
