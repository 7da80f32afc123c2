"""The networks' shapes, their depth range and their reproducible initialisation."""

from __future__ import annotations

import logging
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.blocks import channel_shuffle
from depthnet.decoders import Decoder
from depthnet.network import DeployedNetwork
from depthnet.weights.origin import Random


@pytest.fixture(scope="module")
def flagship() -> network.DepthNetwork:
    return network.build(zoo.get("mobiledepth"), pretrained=False)[0]


def test_depth_has_the_size_of_the_image(flagship: network.DepthNetwork) -> None:
    depth = DeployedNetwork(flagship)(torch.rand(2, 3, 64, 96))
    assert depth.shape == (2, 1, 64, 96)
    assert depth.min() >= 0.1
    assert depth.max() <= 10.0


@pytest.mark.parametrize("entry", zoo.ENTRIES, ids=lambda entry: entry.name)
def test_every_network_maps_an_image_to_one_channel_of_its_size(entry: zoo.Entry) -> None:
    size = entry.input_size if entry.fixed_size else (64, 96)
    prediction = network.build_shapes(entry)(torch.zeros(1, 3, *size, device="meta"))
    assert prediction.shape == (1, 1, *size)


def test_an_untrained_network_predicts_more_than_the_clamps(flagship: network.DepthNetwork) -> None:
    # A network stuck at a clamp would hide every numeric error of what is compiled from it.
    depth = DeployedNetwork(flagship)(torch.rand(1, 3, 64, 64))
    assert depth.std() > 0.1
    inside = (depth > 0.1001) & (depth < 9.999)
    assert inside.float().mean() > 0.95


def test_no_batch_norm_starts_at_zero(flagship: network.DepthNetwork) -> None:
    norms = [m for m in flagship.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert all(norm.weight.abs().min() > 0 for norm in norms)


def test_the_same_seed_gives_the_same_weights() -> None:
    entry = zoo.get("mobilenet_v1_add")
    hashes = [
        network.weights_sha256(network.build(entry, seed=seed, pretrained=False)[0])
        for seed in (1, 1, 2)
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_building_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    network.build(zoo.get("fastdepth_pruned"), pretrained=False)
    assert torch.rand(1) == expected


def test_without_the_hub_a_network_is_built_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = patch("socket.create_connection", side_effect=OSError("no route"))
    with caplog.at_level(logging.WARNING), refused:
        _, origin = network.build(zoo.get("mobiledepth"), pretrained=True)
    assert origin == Random(0)
    ours = [r for r in caplog.records if r.name.startswith("depthnet")]
    assert len(ours) == 1
    assert "\n" not in ours[0].getMessage()


def test_channel_shuffle_interleaves_the_two_halves() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1, 1)
    assert channel_shuffle(x, 2).flatten().tolist() == [0, 3, 1, 4, 2, 5]


def test_widths_that_do_not_fit_the_skips_are_refused() -> None:
    decoder = zoo.get("mobiledepth").decoder
    assert decoder is not None
    spec = replace(decoder, widths=(440, 200, 112, 48, 32))
    with pytest.raises(ValueError, match="stride 16 a map of 256 channels is added to 200"):
        Decoder(spec, 608, {2: 32, 4: 48, 8: 112, 16: 256})


def test_a_misspelt_network_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'mobiledepth'"):
        zoo.get("mobildepth")
