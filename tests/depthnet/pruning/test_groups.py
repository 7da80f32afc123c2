"""Which channels go together, where the architecture tells it."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
import torch
from torch import nn

from depthnet import network, zoo
from depthnet.pruning.groups import ChannelGroup, channel_groups


@cache
def groups_of(name: str) -> dict[str, ChannelGroup]:
    groups = channel_groups(network.build_shapes(zoo.get(name)))
    found = {group.name: group for group in groups}
    assert len(found) == len(groups)
    return found


@pytest.mark.parametrize("name", ["mobiledepth", "dense_ds", "mobilenet_v3_cat"])
def test_an_entry_of_a_tensor_is_of_one_channel_at_most(name: str) -> None:
    claims: dict[tuple[str, int], torch.Tensor] = {}
    for group in groups_of(name).values():
        for axis, owner in group.owners.items():
            assert owner.unique().tolist()[-group.units :] == list(range(group.units))
            mine = (owner >= 0).int()
            claims[axis] = claims[axis] + mine if axis in claims else mine
    assert all(int(claim.max()) == 1 for claim in claims.values())


def test_a_chain_of_convolutions_has_a_group_each() -> None:
    whole = network.build_shapes(zoo.get("mobilenet_v1"))
    convolutions = [m for m in whole.modules() if isinstance(m, nn.Conv2d)]
    dense = [c.out_channels for c in convolutions if c.groups == 1]
    assert [group.channels for group in groups_of("mobilenet_v1").values()] == dense[:-1]


def test_grouped_convolutions_lose_whole_groups() -> None:
    grouped = {n: g for n, g in groups_of("regnety_006").items() if n.endswith(".conv1.conv")}
    assert {group.unit for group in grouped.values()} == {16}
    assert {group.units for group in grouped.values()} == {3, 7, 16, 38}


def test_what_is_added_goes_together() -> None:
    tensors = {name for name, _ in groups_of("ds")["encoder.backbone.s2.b1.conv3.conv"].owners}
    assert "encoder.backbone.s2.b1.downsample.conv.weight" in tensors
    assert "encoder.backbone.s2.b3.conv3.conv.weight" in tensors
    assert "decoder.blocks.2.1.0.weight" in tensors


def test_the_squeezed_channels_go_with_what_they_scale() -> None:
    inner = groups_of("regnety_006")["encoder.backbone.s3.b2.conv1.conv"]
    assert ("encoder.backbone.s3.b2.se.fc1.weight", 1) in inner.owners
    assert ("encoder.backbone.s3.b2.se.fc2.weight", 0) in inner.owners


def test_halves_that_are_split_and_shuffled_lose_the_same_places() -> None:
    group = groups_of("mobiledepth")["encoder.backbone.s2.b1.conv3.conv"]
    assert (group.channels, group.unit, group.units) == (56, 2, 28)
    # Channel 2k is the short branch's k, 2k + 1 the long one's; the next block takes halves.
    gone = (group.owners["encoder.backbone.s2.b1.conv3.conv.weight", 0] == 3).nonzero().flatten()
    assert gone.tolist() == [6, 7, 62, 63]
    for branch in ("short.0", "long.2.0"):
        rows = group.owners[f"decoder.blocks.2.{branch}.weight", 0]
        assert (rows == 3).nonzero().flatten().tolist() == [3, 31]


def test_concatenated_maps_keep_their_own_channels() -> None:
    lying = Counter(
        group.name
        for group in groups_of("dense_ds").values()
        if any(name == "decoder.blocks.0.layers.3.1.1.0.weight" for name, _ in group.owners)
    )
    assert len(lying) == 5  # the encoder's map, the three layers before it, its own


def test_the_image_and_the_prediction_stay() -> None:
    for name in ("ds_skip5_image", "eigen"):
        axes = {axis for group in groups_of(name).values() for axis in group.owners}
        assert ("encoder.backbone.stem.conv.weight", 1) not in axes
        assert ("decoder.output.0.weight", 0) not in axes
        assert ("output.weight", 0) not in axes
    image = [
        g.owners.get(("decoder.output.0.weight", 1)) for g in groups_of("ds_skip5_image").values()
    ]
    (last,) = [owner for owner in image if owner is not None]
    assert (last < 0).nonzero().flatten().tolist() == [32, 33, 34]
