"""The gate against mistakes made on purpose: each must fail, and be said where it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench import cli
from bench.gates import accuracy_gate, baseline
from bench.models import Model, load_model
from depthbench.errors import InputError
from depthnet.card.depth_model import DepthModel
from depthnet.data.rooms.dataset import RoomsDataset
from depthnet.scoring import protocols

SIZE = (32, 48)
IMAGES = 3


def make_model(path: Path, change: float = 0.0) -> Model:
    """A convolution that tells colours and left from right apart, as a trained network does."""
    kernel = np.random.default_rng(0).uniform(-0.2, 0.3, (1, 3, 3, 3)).astype(np.float32)
    kernel[0, 1, 1, 2] += change
    constants = {"kernel": kernel, "bias": np.array([2.5], np.float32)}
    nodes = [
        helper.make_node("Conv", ["image", "kernel", "bias"], ["raw"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["raw", "near", "far"], ["depth"]),
    ]
    # A bound of zero, as of a ReLU6, is a weight without a size to compare with.
    constants |= {"near": np.array(0.0, np.float32), "far": np.array(10, np.float32)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *SIZE])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, *SIZE])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return load_model(path, "tiny")


def rooms(limit: int = IMAGES, seed: int = 0) -> RoomsDataset:
    return RoomsDataset(seed=seed, limit=limit, size=(60, 80))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return make_model(tmp_path_factory.mktemp("gate") / "tiny.onnx")


@pytest.fixture(scope="module")
def good(model: Model) -> accuracy_gate.Snapshot:
    return accuracy_gate.take_snapshot([model], [rooms()])


def moved(
    good: accuracy_gate.Snapshot, now: accuracy_gate.Snapshot
) -> dict[tuple[str, str], accuracy_gate.Change]:
    return {(change.protocol, change.what): change for change in accuracy_gate.compare(good, now)}


def test_the_same_run_again_moves_nothing(good: accuracy_gate.Snapshot, model: Model) -> None:
    assert accuracy_gate.compare(good, accuracy_gate.take_snapshot([model], [rooms()])) == []
    assert accuracy_gate.explain([]) == ""


@pytest.mark.parametrize("change", [0.001, 0.05])
def test_one_weight_that_is_perturbed_is_found(
    good: accuracy_gate.Snapshot, tmp_path: Path, change: float
) -> None:
    now = accuracy_gate.take_snapshot([make_model(tmp_path / "tiny.onnx", change)], [rooms()])
    changes = accuracy_gate.compare(good, now)
    assert "first to move: weights" in accuracy_gate.explain(changes)
    weights = changes[0]
    assert [name for name, _ in weights.where] == ["kernel"]
    assert not {c.what for c in changes} & {"input", "truth", "mask"}


def test_the_mirrored_image_left_out_is_found(good: accuracy_gate.Snapshot, model: Model) -> None:
    with patch.object(protocols, "predict_flip_averaged", lambda predict, x, mirror: predict(x)):
        now = accuracy_gate.take_snapshot([model], [rooms()])
    found = moved(good, now)
    assert found["eigen", "prediction"].of == IMAGES
    assert "prediction" in accuracy_gate.explain(list(found.values()))
    # FastDepth's protocol averages nothing: that it stays says that the network is the same.
    assert {protocol for protocol, _ in found} == {"eigen"}


def test_bgr_input_is_found(good: accuracy_gate.Snapshot, model: Model) -> None:
    to_input = DepthModel.to_input
    with patch.object(DepthModel, "to_input", lambda self, image: to_input(self, image[..., ::-1])):
        now = accuracy_gate.take_snapshot([model], [rooms()])
    found = moved(good, now)
    assert "channels' order" in accuracy_gate.explain(list(found.values()))
    assert len(found["eigen", "input"].where) == IMAGES
    assert (found["fastdepth", "prediction"].by or 0) > 5e-4


def test_an_eigen_crop_shifted_by_a_row_is_found(
    good: accuracy_gate.Snapshot, model: Model
) -> None:
    eigen = protocols.PROTOCOLS["eigen"]
    shifted = replace(eigen, crop=(slice(46, 472), slice(41, 601)))
    with patch.dict(protocols.PROTOCOLS, {"eigen": shifted}):
        now = accuracy_gate.take_snapshot([model], [rooms()])
    found = moved(good, now)
    assert "crop" in accuracy_gate.explain(list(found.values()))
    assert found["eigen", "mask"].by == 1
    assert len(found["eigen", "mask"].where) == IMAGES
    # No mean falls as far as its tolerance: the metrics alone would let it pass.
    assert not {what for _, what in found} & set(accuracy_gate.METRIC_TOLERANCES)
    assert {protocol for protocol, _ in found} == {"eigen"}


def test_a_metric_that_is_computed_otherwise_is_found(
    good: accuracy_gate.Snapshot, model: Model
) -> None:
    with patch("depthnet.scoring.metrics.THRESHOLD", 1.2):
        now = accuracy_gate.take_snapshot([model], [rooms()])
    found = moved(good, now)
    assert "metrics" in accuracy_gate.explain(list(found.values()))
    delta = found["eigen", "delta1"]
    assert delta.now is not None
    assert delta.was is not None
    assert delta.now < delta.was


def test_other_images_are_not_called_a_change_of_scores(
    good: accuracy_gate.Snapshot, model: Model
) -> None:
    now = accuracy_gate.take_snapshot([model], [rooms(IMAGES - 1)])
    assert [name for name, _ in moved(good, now)["eigen", "images"].where] == ["test/00002"]


@pytest.mark.parametrize("metric", accuracy_gate.METRIC_TOLERANCES)
def test_a_mean_may_rise_but_not_fall(good: accuracy_gate.Snapshot, metric: str) -> None:
    step = 2 * accuracy_gate.METRIC_TOLERANCES[metric]
    better = step if metric in accuracy_gate.LARGER_IS_BETTER else -step
    for change, expected in ((better, []), (-better, [metric]), (-better / 4, [])):
        now = copy.deepcopy(good)
        now["tiny"]["data"]["rooms"]["eigen"]["means"][metric] += change
        assert [c.what for c in accuracy_gate.compare(good, now)] == expected


def test_data_of_one_side_only_is_said_and_passed_over(
    good: accuracy_gate.Snapshot, model: Model
) -> None:
    now = accuracy_gate.take_snapshot([model], [rooms(1, seed=5)])
    assert accuracy_gate.compare(good, now) == []
    assert accuracy_gate.not_compared(good, now) == ["tiny on rooms", "tiny on rooms:5"]


def test_a_trained_networks_hash_must_be_the_same(good: accuracy_gate.Snapshot) -> None:
    was, now = copy.deepcopy(good), copy.deepcopy(good)
    for snapshot, sha256 in ((was, "a"), (now, "b")):
        snapshot["tiny"]["weights"] |= {"origin": {"kind": "trained"}, "sha256": sha256}
    assert [c.what for c in accuracy_gate.compare(was, now)] == ["weights"]


def test_a_network_without_a_baseline_is_a_change(good: accuracy_gate.Snapshot) -> None:
    changes = accuracy_gate.compare(good, {**good, "other": good["tiny"]})
    assert [(c.network, c.what) for c in changes] == [("other", "network is new")]


def test_the_flagship_is_gated() -> None:
    assert "mobiledepth" in accuracy_gate.shipped_networks()


@pytest.fixture
def small_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The command on the tiny model and few images; gives where its baseline goes."""
    monkeypatch.chdir(tmp_path)
    with (
        patch.object(accuracy_gate, "shipped_networks", lambda: ["tiny"]),
        patch.object(accuracy_gate, "export_shipped", lambda name, path: make_model(path)),
        patch.object(accuracy_gate, "fixed_images", lambda: [rooms(1)]),
    ):
        yield tmp_path / "baseline.json"


def test_the_command_updates_passes_and_fails(
    small_gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ["check", "--gate", "accuracy", "--baseline", str(small_gate)]
    assert cli.run([*check, "--update", "--reason", "first"]) == 0
    written = json.loads(small_gate.read_text())
    assert written["reason"] == "first"
    assert {"date", "git", "tools"} <= written.keys()
    assert cli.run(check) == 0
    assert "good" in capsys.readouterr().out
    with patch.object(accuracy_gate, "export_shipped", lambda name, path: make_model(path, 0.05)):
        assert cli.run(check) == 1
        table = capsys.readouterr().out
        assert cli.run([*check, "--json"]) == 1
    assert "1 of 4: kernel" in table
    assert "1 of 1: test/00000" in table
    document = json.loads(capsys.readouterr().out)
    assert not document["good"]
    assert document["accuracy"]["changes"][0]["what"] == "weights"
    assert json.loads(small_gate.read_text()) == written


@pytest.mark.parametrize(
    "arguments", [["--update"], ["--reason", "x"], ["--update", "--reason", " "]]
)
def test_an_update_needs_a_reason(
    small_gate: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["check", "--baseline", str(small_gate), *arguments]) == 2
    assert "--update and --reason" in capsys.readouterr().err
    assert not small_gate.exists()


@pytest.mark.parametrize("damage", ["missing", "text", "other", "cut", "hollow"])
def test_a_damaged_baseline_is_one_line(
    tmp_path: Path, good: accuracy_gate.Snapshot, damage: str
) -> None:
    path = tmp_path / "baseline.json"
    document: dict[str, Any] = baseline.write_baseline(path, copy.deepcopy(good), "test")
    assert baseline.read_baseline(path)["networks"] == json.loads(json.dumps(good))
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("no baseline")
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:999])
    elif damage == "other":
        path.write_text(json.dumps({**document, "schema": "depthbench.baseline/0"}))
    else:
        del document["networks"]["tiny"]["data"]["rooms"]["eigen"]["images"]["test/00001"]["mask"]
        path.write_text(json.dumps(document))
    with pytest.raises(InputError) as error:
        baseline.read_baseline(path)
    assert "\n" not in str(error.value)
    assert "--update --reason" in str(error.value)


def test_an_update_that_fails_leaves_the_baseline(
    tmp_path: Path, good: accuracy_gate.Snapshot
) -> None:
    path = tmp_path / "baseline.json"
    baseline.write_baseline(path, good, "first")
    before = path.read_bytes()
    full = OSError(28, "No space left on device", str(path))
    with patch("depthbench.files.os.replace", side_effect=full), pytest.raises(OSError, match="No"):
        baseline.write_baseline(path, good, "second")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["baseline.json"]
