"""A pruned network computes what the whole one does where the removed outputs are zero."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from depthbench.errors import InputError
from depthnet import zoo
from depthnet.network import DepthNetwork, weights_sha256
from depthnet.pruning.groups import ChannelGroup, channel_groups
from depthnet.pruning.pruned import pruned
from tests.depthnet.pruning.conftest import narrow

Keep = Mapping[str, Sequence[int]]


def image_for(network: DepthNetwork) -> Tensor:
    size = network.entry.input_size if network.entry.fixed_size else (64, 64)
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def masked(network: DepthNetwork, groups: Sequence[ChannelGroup], keep: Keep, x: Tensor) -> Tensor:
    """What the network gives where every layer's outputs of removed units are zero."""
    masks: dict[str, Tensor] = {}
    for group in groups:
        if group.name in keep:
            gone = ~torch.isin(torch.arange(group.units), torch.tensor(list(keep[group.name])))
            for (tensor, axis), owner in group.owners.items():
                if axis == 0:
                    layer = tensor.rpartition(".")[0]
                    mask = masks.setdefault(layer, torch.ones(len(owner)))
                    mask[(owner >= 0) & gone[owner]] = 0.0
    with ExitStack() as hooks:
        for layer, mask in masks.items():
            hooks.enter_context(hook(network.get_submodule(layer), mask))
        return network(x)


def hook(layer: nn.Module, mask: Tensor) -> torch.utils.hooks.RemovableHandle:
    def silence(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output * mask.reshape(1, -1, *(1,) * (output.dim() - 2))

    return layer.register_forward_hook(silence)


def choices(groups: Sequence[ChannelGroup]) -> st.SearchStrategy[Keep]:
    def some(group: ChannelGroup) -> st.SearchStrategy[list[int]]:
        units = st.integers(0, group.units - 1)
        # With fewer, a network of few channels may give the same everywhere.
        return st.lists(units, unique=True, min_size=group.units // 2, max_size=group.units - 1)

    chosen = st.lists(st.sampled_from(groups), unique_by=lambda g: g.name, min_size=1, max_size=6)
    return chosen.flatmap(lambda some_of: st.fixed_dictionaries({g.name: some(g) for g in some_of}))


def structures() -> list[str]:
    """A network of each structure: others differ from these in their sizes, or lack the skips."""
    found: dict[object, str] = {}
    for entry in zoo.ENTRIES:
        if entry.decoder and entry.decoder.join == "none":
            continue
        decoder = entry.decoder and replace(entry.decoder, widths=(0,) * 5, interpolation="nearest")
        family = re.sub(r"_(l|00)\d$", "", entry.encoder)
        found.setdefault((family, decoder, entry.baseline), entry.name)
    return list(found.values())


@pytest.mark.parametrize("name", structures())
def test_it_is_the_network_with_the_removed_outputs_at_zero(name: str) -> None:
    network = narrow(name)
    groups = channel_groups(network)
    image = image_for(network)

    @settings(max_examples=2, phases=(Phase.generate,))
    @given(choices(groups))
    def holds(keep: Keep) -> None:
        expected = masked(network, groups, keep, image)
        with torch.inference_mode():
            got = pruned(network, keep, groups)(image)
        assert expected.std() > 0
        torch.testing.assert_close(
            got, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())
        )

    holds()


def test_nothing_removed_is_the_same_to_the_byte() -> None:
    network = narrow("mobiledepth")
    for keep in ({}, {group.name: range(group.units) for group in channel_groups(network)}):
        assert weights_sha256(pruned(network, keep)) == weights_sha256(network)


def test_the_network_itself_stays_as_it_is() -> None:
    network = narrow("fastdepth_pruned")
    before = weights_sha256(network)
    groups = channel_groups(network)
    smaller = pruned(network, {groups[0].name: [0, 2]})
    assert weights_sha256(network) == before != weights_sha256(smaller)
    assert smaller.pruned is not None
    assert smaller.pruned.parameters == sum(p.numel() for p in smaller.parameters())


def test_pruned_twice_is_pruned_at_once() -> None:
    network = narrow("mobiledepth")
    one, other = channel_groups(network)[3], channel_groups(network)[-1]
    twice = pruned(pruned(network, {one.name: [0, 2, 5]}), {one.name: [1, 2], other.name: [1, 3]})
    at_once = pruned(network, {one.name: [2, 5], other.name: [1, 3]})
    assert weights_sha256(twice) == weights_sha256(at_once)
    assert twice.pruned == at_once.pruned


@pytest.mark.parametrize(
    ("name", "units", "message"),
    [
        ("body.encoder.0.9", [0], "no group of channels 'body.encoder.0.9'"),
        ("body.encoder.0.0", [0, 8], "no unit 8: it has 0 to 7"),
        ("body.encoder.0.0", [], "no unit to keep"),
    ],
)
def test_what_is_no_group_or_unit_is_refused(name: str, units: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pruned(narrow("fastdepth_pruned"), {name: units})
