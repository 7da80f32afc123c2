"""The paper's printed sizes, and the exact counts that reproduce them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from depthnet import complexity, network, zoo


@pytest.fixture(scope="module")
def flagship() -> complexity.Complexity:
    built, _ = network.build(zoo.get("mobiledepth"), pretrained=False)
    return complexity.measure(built)


def test_flagship_reproduces_the_exact_counts(flagship: complexity.Complexity) -> None:
    assert flagship.parameters_paper == 6_430_564
    assert flagship.macs_paper == 704_996_280
    assert flagship.macs_conv == 698_749_408


def test_flagship_rounds_to_the_printed_figures(flagship: complexity.Complexity) -> None:
    printed = zoo.get("mobiledepth").printed
    assert round(flagship.parameters_paper / 1e6, 2) == printed["weights_m"]
    assert round(flagship.macs_paper / 1e9, 1) == printed["macs_g"]


def test_shipped_weights_lack_the_classifier(flagship: complexity.Complexity) -> None:
    assert flagship.parameters_paper - flagship.parameters == 608 * 1000 + 1000


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(6, 8, 3, padding=1, groups=2), 10 * 12 * 8 * 3 * 9),
        (nn.Conv2d(6, 8, 1, stride=2, bias=False), 5 * 6 * 8 * 6),
        (nn.ConvTranspose2d(6, 8, 2, stride=2), 10 * 12 * 6 * 8 * 4),
    ],
)
def test_macs_of_a_layer_have_their_closed_form(layer: nn.Module, expected: int) -> None:
    image = torch.zeros(1, 6, 10, 12)
    assert complexity._macs(layer, image, layer(image)) == expected
