"""A file of weights, pruned or not, is a model like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.cli.export import command
from bench.model_card import NOTHING, Asked, open_model
from bench.sweep.plan.faults import Faults
from bench.sweep.plan.plan import ModelEntry
from bench.sweep.plan.subjects import find_subjects
from bench.sweep.result import read_model, write_result
from depthbench.errors import InputError
from depthnet import complexity, network, zoo
from depthnet.export import export_cache
from depthnet.network import DepthNetwork
from depthnet.pruning.groups import channel_groups
from depthnet.pruning.pruned import pruned
from depthnet.weights.formats import save_weights

NAME = "fastdepth_pruned"
SIZE = (32, 32)


@pytest.fixture(scope="module")
def smaller() -> DepthNetwork:
    whole, _ = network.build(zoo.get(NAME), pretrained=False)
    return pruned(whole, {group.name: range(8) for group in channel_groups(whole)})


def test_it_is_exported_once_and_says_what_it_is(tmp_path: Path, smaller: DepthNetwork) -> None:
    path = tmp_path / "mine.safetensors"
    save_weights(smaller, path, {})
    model = open_model(str(path), tmp_path, Asked(size=SIZE))
    counted = complexity.measure(smaller, SIZE)
    assert model.path == tmp_path / "mine.onnx"
    assert model.name == "mine"
    assert model.metadata["name"] == NAME
    assert model.metadata["weights_file"] == "mine.safetensors"
    assert str(model.origin).startswith("weights of mine (")
    assert model.complexity == {**counted.to_dict(), "input_size": [*SIZE]}
    left = json.loads(model.metadata["pruned"])
    assert left["parameters"] == counted.parameters < left["of"]
    assert model.own_file == str(model.path)
    assert model.input_shape == (1, 3, *SIZE)

    written = model.path.stat().st_mtime_ns
    asked = [NAME, "--weights", str(path), "--size", "32", "32", "-o", str(model.path), "--json"]
    done = CliRunner().invoke(command, asked, catch_exceptions=False)
    assert json.loads(done.stdout)["pruned"] == model.metadata["pruned"]
    assert model.path.stat().st_mtime_ns == written
    entry = zoo.get(NAME)
    assert export_cache.is_up_to_date(model.path, entry, SIZE, path)
    assert not export_cache.is_up_to_date(model.path, entry, SIZE)
    save_weights(pruned(smaller, {"body.encoder.3.3": [0, 1]}), path, {})
    assert not export_cache.is_up_to_date(model.path, entry, SIZE, path)


def test_it_leaves_no_input_open(tmp_path: Path, smaller: DepthNetwork) -> None:
    path = tmp_path / "mine.safetensors"
    save_weights(smaller, path, {})
    with pytest.raises(InputError) as caught:
        open_model(str(path), tmp_path, Asked(shapes={"image": (1, 3, 64, 64)}))
    assert f"depthbench export {NAME} --weights {path} --size HEIGHT WIDTH" in str(caught.value)


def test_a_sweep_exports_it(tmp_path: Path, smaller: DepthNetwork) -> None:
    save_weights(smaller, tmp_path / "mine.safetensors", {})
    faults = Faults()
    entries = [ModelEntry(model=NAME), ModelEntry(model="mine.safetensors")]
    shipped, mine = find_subjects(entries, tmp_path, faults).values()
    assert not faults.found
    assert (mine.name, mine.trained, mine.size(None)) == ("mine", True, shipped.size(None))
    assert shipped.export(SIZE).where == "any"
    task = mine.export(SIZE)
    assert task.where == "driver"
    write_result(tmp_path, task.to_json(), mine.bring(SIZE, tmp_path))
    model, _ = read_model(tmp_path)
    assert model.name == "mine-32x32"
    assert model.complexity["parameters"] == complexity.measure(smaller, SIZE).parameters
    save_weights(pruned(smaller, {"body.encoder.3.3": [0, 1]}), tmp_path / "mine.safetensors", {})
    assert mine.export(SIZE).key != task.key


@pytest.mark.parametrize("content", [None, b"nothing"])
def test_what_is_no_weights_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"{path}: "):
        open_model(str(path), tmp_path, NOTHING)
