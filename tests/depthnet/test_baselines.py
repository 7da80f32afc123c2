"""The baselines of table I against the sizes that their definitions reproduce."""

from __future__ import annotations

import pytest
import torch

from depthnet import complexity, network, paper, zoo
from depthnet.network import DeployedNetwork


@pytest.mark.parametrize(
    ("name", "parameters", "conv", "counted"),
    [
        ("fcrn", 63.675, 32.2066, 32.2642),
        ("dorn", 83.108, 68.0109, 68.1743),
        ("fastdepth_pruned", 1.361, 0.3664, None),
    ],
)
def test_sizes_come_out(name: str, parameters: float, conv: float, counted: float | None) -> None:
    measured = complexity.measure(network.build_shapes(zoo.get(name)))
    assert measured.parameters / 1e6 == pytest.approx(parameters, abs=5e-4)
    assert measured.macs_conv / 1e9 == pytest.approx(conv, abs=5e-5)
    if counted is not None:
        assert measured.macs_paper / 1e9 == pytest.approx(counted, abs=5e-5)


@pytest.mark.parametrize(("name", "within"), [("dorn", 0.002), ("fcrn", 0.002), ("eigen", 0.01)])
def test_macs_are_near_the_printed_ones(name: str, within: float) -> None:
    entry = zoo.get(name)
    printed = float(paper.printed(*entry.rows[0])["macs_g"])
    measured = complexity.measure(network.build_shapes(entry))
    assert measured.macs_paper / 1e9 == pytest.approx(printed, rel=within)


@pytest.mark.parametrize("name", ["fcrn", "fastdepth_pruned"])
def test_an_untrained_baseline_predicts_inside_the_range(name: str) -> None:
    built, _ = network.build(zoo.get(name))
    depth = DeployedNetwork(built)(torch.rand(1, 3, 64, 64))
    assert depth.shape == (1, 1, 64, 64)
    assert ((depth > 0.101) & (depth < 9.99)).float().mean() > 0.9
    assert depth.std() > 0.01
