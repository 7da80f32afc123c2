"""Trained weights that come with depthbench are used; without them a network says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from depthnet import network, zoo
from depthnet.weights import pretrained
from depthnet.weights.formats import save_weights
from depthnet.weights.origin import Random, Source, Trained


def test_a_network_without_trained_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.weights_path("mobiledepth") is None
    assert pretrained.build(zoo.get("mobiledepth"))[1].kind in ("random", "imagenet")


def test_trained_weights_are_loaded_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    entry = zoo.get("fastdepth_pruned")
    other, _ = network.build(entry, seed=1)
    record = {
        "trained_from": {"kind": "random", "seed": 1},
        "data": [{"data": "rooms", "split": "train", "pairs": 3}],
        "epochs": 2,
    }
    save_weights(other, tmp_path / "fastdepth_pruned.safetensors", record)
    built, origin = pretrained.build(entry)
    assert origin == Trained(Random(1), (Source("rooms", "train", 3),), epochs=2, stages=1)
    image = torch.rand(1, 3, 64, 64)
    assert torch.allclose(built(image), other(image), rtol=1e-2)
    assert not torch.allclose(built(image), network.build(entry)[0](image), rtol=1e-2)
