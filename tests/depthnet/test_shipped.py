"""Trained weights that come with depthbench are used; without them a network says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from depthnet import network, shipped, zoo
from depthnet.weights import save_weights


def test_a_network_without_trained_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert shipped.weights_path("mobiledepth") is None
    assert shipped.build(zoo.get("mobiledepth"))[1].startswith("untrained")


def test_trained_weights_are_loaded_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    entry = zoo.get("fastdepth_pruned")
    other, _ = network.build(entry, seed=1)
    record = {
        "origin": {"kind": "random", "seed": 0},
        "data": [{"data": "rooms", "pairs": 3}],
        "epochs": 2,
    }
    save_weights(other, tmp_path / "fastdepth_pruned.safetensors", record)
    built, phrase = shipped.build(entry)
    assert phrase == "trained (random, seed 0; 3 pairs of rooms; 2 epochs)"
    image = torch.rand(1, 3, 64, 64)
    assert torch.allclose(built(image), other(image), rtol=1e-2)
    assert not torch.allclose(built(image), network.build(entry)[0](image), rtol=1e-2)


def test_the_stages_of_a_training_are_counted_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    entry = zoo.get("fastdepth_pruned")
    data = [{"data": "rooms", "pairs": 3}]
    first = {"origin": {"kind": "random", "seed": 4}, "data": data, "epochs": 2}
    last = {"origin": {"kind": "weights", "source": "x"}, "data": data, "epochs": 5, "before": first}
    save_weights(network.build(entry)[0], tmp_path / "fastdepth_pruned.safetensors", last)
    assert shipped.build(entry)[1] == "trained (random, seed 4; 3 pairs of rooms; 7 epochs in 2 stages)"
