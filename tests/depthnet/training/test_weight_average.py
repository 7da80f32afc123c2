"""The mean of weights: of parameters and statistics, not of counters."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.training.weight_average import average_in
from depthnet.weights.formats import save_weights


def build(seed: int) -> network.DepthNetwork:
    entry = dataclasses.replace(zoo.get("mobilenet_v1_add"), input_size=(32, 32))
    built, _ = network.build(entry, seed=seed, pretrained=False)
    return built


def test_it_is_the_mean_of_all(tmp_path: Path) -> None:
    ours, others = build(0), [build(1), build(2)]
    files = [tmp_path / "1" / "net.safetensors", tmp_path / "2" / "net.safetensors"]
    for other, file in zip(others, files, strict=True):
        for name, tensor in other.named_buffers():
            tensor.fill_(5) if "num_batches" in name else tensor.uniform_(0.5, 1.0)
        save_weights(other, file, {})
    first = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    average_in(ours, files)
    states = [other.state_dict() for other in others]
    for name, tensor in ours.state_dict().items():
        if "num_batches" in name:
            assert torch.equal(tensor, first[name])
            continue
        expected = (first[name] + sum(state[name] for state in states)) / 3
        # Files hold fp16.
        torch.testing.assert_close(tensor, expected, rtol=1e-3, atol=1e-3)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    other, _ = network.build(zoo.get("mobilenet_v2_cat"), pretrained=False)
    save_weights(other, tmp_path / "other.safetensors", {})
    with pytest.raises(InputError, match="does not fit network mobilenet_v1_add"):
        average_in(build(0), [tmp_path / "other.safetensors"])
