"""From a weights file to a smaller one, its ONNX file, its records, and the plan of a chart."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from bench.pruning import prune as pruning
from bench.pruning.budget import read_budget
from bench.pruning.counted_network import Count
from bench.pruning.pruning_request import Request
from bench.pruning.search import Pace
from bench.records.record import Record, read_records
from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.complexity import measure
from depthnet.network import DeployedNetwork, DepthNetwork
from depthnet.weights.formats import save_weights
from depthnet.weights.pretrained import open_network

NAME = "fastdepth_pruned"
SEEN = 4
"""Training pairs; one more is of the test split."""


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A folder of pairs, laid out as NYU's labelled ones."""
    folder, generator = tmp_path / "pairs", np.random.default_rng(0)
    rows = ["index0,split,scene_type"]
    for number in range(SEEN + 1):
        for kind, suffix, shape in (("rgb", "jpg", (480, 640, 3)), ("depth8", "png", (480, 640))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            values = generator.integers(20, 250, shape, dtype=np.uint8)
            Image.fromarray(values).save(folder / kind / f"{number:05d}.{suffix}")
        rows.append(f"{number},{'train' if number < SEEN else 'test'},")
    (folder / "split.csv").write_text("\n".join(rows) + "\n")
    return folder


def count(narrow: DepthNetwork, **options: object) -> Count:
    """As if a multiply-add took an eighth of a cycle."""
    return Count(measure(narrow).macs_conv / 8, 1.0)


def test_a_weights_file_becomes_a_smaller_one_with_its_records(
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_record: Callable[..., Record],
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(pruning, "count_network", count)
    monkeypatch.setattr(pruning, "measure_cost", lambda *_, **__: make_record("cost"))
    first, _ = network.build(zoo.get(NAME), pretrained=False)
    save_weights(first, tmp_path / "first.safetensors", {})
    request = Request(
        what=str(tmp_path / "first.safetensors"),
        budget=read_budget("90%"),
        data=str(pairs),
        held_out=0.25,
        epochs=1,
        pace=Pace(step=0.12, finalists=1, pairs=2),
    )
    folder = tmp_path / "out"
    record = pruning.prune(request, folder)

    (kept, accuracy, _) = read_records(folder / "records.jsonl")
    assert kept == record
    assert (accuracy["model"], accuracy["images"]) == (record["model"], 1)
    assert record["share"] <= 0.9
    assert record["held_out_unseen"] is None
    narrow, training = open_network(Path(record["weights_file"]))
    assert measure(narrow).macs_conv < 0.9 * measure(first).macs_conv
    assert training["pruning"]["steps"] == record["steps"]
    image = np.random.default_rng(0).random((1, 3, 224, 224), dtype=np.float32)
    with torch.inference_mode():
        expected = DeployedNetwork(narrow)(torch.from_numpy(image)).numpy()
    session = onnxruntime.InferenceSession(record["model_file"])
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, rtol=1e-3)
    plan = tomllib.loads((folder / "sweep.toml").read_text())
    assert plan["models"][-1] == Path(record["model_file"]).name
    assert all((folder / name).is_file() for name in plan["models"])


def test_data_without_a_test_split_are_refused_before_the_search(
    pairs: Path, tmp_path: Path
) -> None:
    rows = (pairs / "split.csv").read_text().replace(",test,", ",train,")
    (pairs / "split.csv").write_text(rows)
    first, _ = network.build(zoo.get(NAME), pretrained=False)
    save_weights(first, tmp_path / "first.safetensors", {})
    request = Request(
        what=str(tmp_path / "first.safetensors"), budget=read_budget("90%"), data=str(pairs)
    )
    with pytest.raises(InputError, match="test split"):
        pruning.prune(request, tmp_path / "out")
    assert not (tmp_path / "out").exists()
