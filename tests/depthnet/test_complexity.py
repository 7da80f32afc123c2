"""The paper's printed sizes, and the exact counts that reproduce them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from depthnet import complexity, network, paper, zoo

PRINTED = ("IV", "IX", "X")


def measure(name: str) -> complexity.Complexity:
    return complexity.measure(network.build_shapes(zoo.get(name)))


@pytest.fixture(scope="module")
def flagship() -> complexity.Complexity:
    return measure("mobiledepth")


def test_flagship_reproduces_the_exact_counts(flagship: complexity.Complexity) -> None:
    assert flagship.parameters_paper == 6_430_564
    assert flagship.macs_paper == 704_996_280
    assert flagship.macs_conv == 698_749_408


@pytest.mark.parametrize("entry", zoo.ENTRIES, ids=lambda entry: entry.name)
def test_every_network_rounds_to_its_printed_figures(entry: zoo.Entry) -> None:
    counted = measure(entry.name)
    ours = {"weights_m": counted.parameters_paper / 1e6, "macs_g": counted.macs_paper / 1e9}
    for table, row in entry.rows:
        printed = paper.printed(table, row)
        if table in PRINTED:
            assert {name: f"{value:.2f}" for name, value in ours.items()} == {
                name: printed[name] for name in ours
            }


@pytest.mark.parametrize("table", PRINTED)
def test_every_row_of_the_size_tables_has_a_network(table: str) -> None:
    rows = {row["row"] for row in paper.tables()[table]["rows"]}
    assert rows == {row for entry in zoo.ENTRIES for t, row in entry.rows if t == table}


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
