"""A fresh network starts at the scale of the depth it is to learn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from depthnet import depth_space, network, zoo
from depthnet.network import DepthNetwork, EncoderDecoder
from depthnet.training import data_dependent_init
from depthnet.training.batches.samples import Samples

SIZE = (64, 64)


def fresh(name: str) -> DepthNetwork:
    return network.build(zoo.get(name), pretrained=False)[0]


def normalised(samples: Samples, of: DepthNetwork) -> Tensor:
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (of.mean, of.std))
    image: Tensor = (samples.images.float() / 255.0 - mean) / std
    return nn.functional.interpolate(image, of.entry.input_size, mode="bilinear")


@pytest.mark.parametrize("name", ["mobiledepth", "inv_res", "regnety_004_add", "mobilenet_v1_add"])
def test_predictions_start_with_the_mean_of_the_truth(
    name: str, samples: Callable[..., Samples]
) -> None:
    given = samples(8, SIZE)
    made = fresh(name)
    data_dependent_init.look(made, given)
    depth = given.depths[given.depths > 0].float()
    expected = depth_space.encode(depth, made.entry.depth_space).mean()
    with torch.no_grad():
        prediction = made.train()(normalised(given, made))
    assert prediction.mean().item() == pytest.approx(expected.item(), rel=0.5)


def test_every_convolution_of_a_decoder_without_norms_has_deviation_one(
    samples: Callable[..., Samples],
) -> None:
    made = fresh("mobiledepth")
    assert isinstance(made, EncoderDecoder)
    images = normalised(samples(8, SIZE), made)
    convolutions = [m for m in made.decoder.modules() if isinstance(m, nn.Conv2d)]
    assert data_dependent_init.scale_decoder(made, images) == len(convolutions)
    deviations: list[float] = []
    for module in convolutions:
        module.register_forward_hook(lambda _, __, y: deviations.append(y.std().item()))
    with torch.no_grad():
        made.train()(images)
    assert deviations == pytest.approx([1.0] * len(convolutions), rel=1e-2)


def test_an_output_norm_starts_with_the_targets_mean_and_deviation() -> None:
    made = nn.Sequential(nn.Conv2d(3, 1, 1), nn.BatchNorm2d(1))
    targets = 4 + 2 * torch.randn(10000, generator=torch.Generator().manual_seed(0))
    assert data_dependent_init.match_output_norm(made, targets)
    prediction = made(torch.rand(4, 3, 16, 16))
    assert prediction.mean().item() == pytest.approx(4, abs=0.1)
    assert prediction.std().item() == pytest.approx(2, abs=0.1)
    assert not data_dependent_init.match_output_norm(nn.Conv2d(3, 1, 1), targets)
