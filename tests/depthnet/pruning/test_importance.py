"""How much a network loses with a channel, against losses that are known in closed form."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from depthbench.errors import InputError
from depthnet import zoo
from depthnet.network import DepthNetwork
from depthnet.pruning.importance import importance, magnitude
from depthnet.pruning.pruned import pruned


class Linear(DepthNetwork):
    """Two layers without anything between them."""

    first: nn.Conv2d
    second: nn.Conv2d

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.entry = dataclasses.replace(zoo.get("mobiledepth"), name="linear")
        self.mean, self.std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.second(self.first(image))


@pytest.fixture
def linear() -> Linear:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        built = Linear()
    built.eval()
    return built


def mean_error(prediction: Tensor, depth: Tensor) -> Tensor:
    """Of a prediction that lies above the depth everywhere: a linear function of it."""
    return (prediction - depth).mean()


def batch(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, 8, 8, generator=generator), torch.full((2, 1, 8, 8), -9.0)


def test_it_is_what_a_linear_loss_moves_by(linear: Linear) -> None:
    batches = [batch(0), batch(1)]
    moved = torch.zeros(6)
    for unit in range(6):
        without = pruned(linear, {"first": [u for u in range(6) if u != unit]})
        for image, depth in batches:
            moved[unit] += (
                mean_error(without(image), depth) - mean_error(linear(image), depth)
            ).abs() / 2
    found = importance(linear, batches, mean_error)
    assert found.keys() == {"first"}
    torch.testing.assert_close(found["first"], moved, rtol=1e-4, atol=1e-6)


def test_it_leaves_the_network_as_it_is(linear: Linear) -> None:
    linear.train()
    linear.second.eval()
    importance(linear, [batch(0)], mean_error)
    assert linear.training
    assert not linear.second.training
    assert all(parameter.grad is None for parameter in linear.parameters())


def test_without_a_batch_there_is_nothing_to_judge_by(linear: Linear) -> None:
    with pytest.raises(InputError, match="no batch"):
        importance(linear, [], mean_error)


def test_the_magnitude_is_the_norm_of_the_weights_that_give_a_channel(linear: Linear) -> None:
    weight = linear.first.weight.detach()
    expected = torch.tensor([float(torch.linalg.vector_norm(row)) for row in weight])
    torch.testing.assert_close(magnitude(linear)["first"], expected)
