"""Kept widths fill vectors, and the multiply-adds that go are those that PyTorch counts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.pruning.widths import choose_units, kept_units, lanes_of
from bench.pruning.work import Work
from depthnet import network, zoo
from depthnet.complexity import measure
from depthnet.pruning.groups import ChannelGroup, channel_groups
from depthnet.pruning.pruned import pruned

NETWORKS = ("mobiledepth", "fastdepth_pruned")


@given(
    units=st.integers(1, 300),
    each=st.sampled_from([1, 2, 8, 16]),
    removed=st.integers(1, 300),
    lanes=st.sampled_from([4, 8, 16]),
)
def test_kept_widths_are_the_largest_that_fill_vectors(
    units: int, each: int, removed: int, lanes: int
) -> None:
    owners = {("conv.weight", 0): torch.arange(units).repeat_interleave(each)}
    kept = kept_units(ChannelGroup("conv", units * each, each, owners), removed, lanes)
    allowed = [k for k in range(1, units) if k * each % lanes == 0 and k <= units - removed]
    assert kept == max(allowed, default=0)


def test_lanes_are_those_of_a_vector_of_128_bits() -> None:
    assert [lanes_of(name) for name in ("fp32", "fp16", "int8")] == [4, 8, 16]


def test_the_least_important_units_go() -> None:
    assert choose_units(torch.tensor([3.0, 0.5, 2.0, 0.1]), 2) == [0, 2]


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_multiply_adds_are_those_of_the_pruned_network(name: str) -> None:
    built = network.build_shapes(zoo.get(name))
    work, whole = Work(built), measure(built).macs_conv
    assert work.macs == whole
    groups = [group for group in channel_groups(built) if group.units > 1]
    for group in groups[:: max(len(groups) // 6, 1)]:
        kept = group.units // 2
        narrow = pruned(built, {group.name: range(kept)})
        assert work.saved(group, kept) == pytest.approx(whole - measure(narrow).macs_conv, abs=2)
