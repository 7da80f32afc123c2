"""The exported ONNX file: its contract, its contents, and that nothing half-written stays."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from depthbench.errors import CheckFailed, InputError
from depthnet import network, zoo
from depthnet.export import onnx_export
from depthnet.network import DeployedNetwork
from depthnet.weights.origin import Random, from_json

SIZE = (64, 96)


@pytest.fixture(scope="module")
def flagship() -> network.DepthNetwork:
    return network.build(zoo.get("mobiledepth"), pretrained=False)[0]


@pytest.fixture(scope="module")
def small() -> network.DepthNetwork:
    """A network that is exported in a moment."""
    return network.build(zoo.get("fastdepth_pruned"), pretrained=False)[0]


@pytest.fixture(scope="module")
def exported(flagship: network.DepthNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "mobiledepth.onnx"
    onnx_export.export(flagship, Random(0), path, size=SIZE)
    return path


def test_the_file_agrees_with_pytorch_on_onnx_runtime(
    flagship: network.DepthNetwork, exported: Path
) -> None:
    image = np.random.default_rng(7).random((1, 3, *SIZE), dtype=np.float32)
    with torch.inference_mode():
        expected = DeployedNetwork(flagship)(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    (depth,) = session.run(["depth"], {"image": image})
    assert expected.std() > 0.05
    assert np.abs(depth - expected).max() / np.abs(expected).max() <= 1e-4


def test_names_shapes_and_metadata_keep_the_contract(exported: Path) -> None:
    model = onnx.load(exported)
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"image": [1, 3, *SIZE], "depth": [1, 1, *SIZE]}
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    assert metadata["name"] == "mobiledepth"
    assert metadata["weights"] == "untrained (random, seed 0)"
    assert from_json(metadata["origin"]) == Random(0)
    assert len(metadata["weights_sha256"]) == 64


def test_the_file_knows_nothing_of_the_machine_that_wrote_it(exported: Path) -> None:
    content = exported.read_bytes()
    assert str(Path(onnx_export.__file__).parent).encode() not in content
    assert b"site-packages" not in content


def test_an_up_to_date_file_is_left_alone(flagship: network.DepthNetwork, exported: Path) -> None:
    before = exported.stat().st_mtime_ns
    onnx_export.export(flagship, Random(0), exported, size=SIZE)
    assert exported.stat().st_mtime_ns == before


def test_a_size_that_is_no_multiple_of_32_is_refused(
    flagship: network.DepthNetwork, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="multiples of 32"):
        onnx_export.export(flagship, Random(0), tmp_path / "x.onnx", size=(100, 224))


def test_a_model_that_disagrees_is_not_written(small: network.DepthNetwork, tmp_path: Path) -> None:
    with patch.object(onnx_export, "TOLERANCE", -1.0), pytest.raises(CheckFailed, match="differs"):
        onnx_export.export(small, Random(0), tmp_path / "x.onnx", size=(32, 32))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_export_left_is_no_obstacle(
    small: network.DepthNetwork, tmp_path: Path
) -> None:
    (tmp_path / "x.onnx.part").write_bytes(b"half")
    onnx_export.export(small, Random(0), tmp_path / "x.onnx", size=(32, 32))
    assert [path.name for path in tmp_path.iterdir()] == ["x.onnx"]


def test_a_failed_write_keeps_the_old_file(small: network.DepthNetwork, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"old")
    full = patch("depthbench.files.os.replace", side_effect=OSError(28, "full"))
    with full, pytest.raises(OSError, match="full"):
        onnx_export.export(small, Random(0), path, size=(32, 32))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
