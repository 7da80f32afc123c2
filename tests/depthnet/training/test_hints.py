"""Hints: the distance to a teacher's features, what it teaches, and that nothing of it is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from depthnet import network, zoo
from depthnet.encoders import Encoder
from depthnet.errors import InputError
from depthnet.network import DepthNetwork, EncoderDecoder, weights_sha256
from depthnet.training.hints import Learner
from depthnet.training.loop import Trainer
from depthnet.training.recipe import Recipe
from depthnet.training.sources import TrainingData

SMALL = dataclasses.replace(zoo.get("regnety_004_add"), input_size=(32, 32))


def build() -> DepthNetwork:
    return network.build(SMALL, pretrained=False)[0]


def teacher() -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Encoder("efficientnet_l0", pretrained=False).eval()


def test_without_a_teacher_the_distance_is_nothing() -> None:
    prediction, distance = Learner(build().eval())(torch.rand(2, 3, 32, 32))
    assert prediction.shape == (2, 1, 32, 32)
    assert distance.item() == 0.0


def test_the_same_encoder_is_near_through_the_projection_that_whitens() -> None:
    torch.manual_seed(0)
    taught = build().eval()
    assert isinstance(taught, EncoderDecoder)
    learner = Learner(taught, taught.encoder).eval()
    image = torch.rand(8, 3, 64, 64)
    _, far = learner(image)
    with torch.no_grad():
        normalised = (image - torch.tensor(taught.mean)[:, None, None]) / torch.tensor(taught.std)[
            :, None, None
        ]
        deepest, taps = taught.encoder(normalised)
        for stride, projection in learner.projections.items():
            x = {**taps, 32: deepest}[int(stride)]
            scale = 1.0 / (x.std(dim=(0, 2, 3)) + 1e-3)
            projection.weight.copy_(torch.diag(scale)[:, :, None, None])
            projection.bias.copy_(-x.mean(dim=(0, 2, 3)) * scale)
    _, near = learner(image)
    assert far.item() > 0.5
    assert near.item() < 1e-4


def test_a_few_steps_bring_the_features_nearer_and_leave_the_teacher_alone() -> None:
    torch.manual_seed(0)
    theirs = teacher()
    before = weights_sha256(theirs)
    learner = Learner(build(), theirs).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    image = torch.rand(8, 3, 64, 64)
    distances = []
    for _ in range(12):
        _, distance = learner(image)
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
        distances.append(distance.item())
    assert distances[-1] < 0.7 * distances[0]
    assert weights_sha256(theirs) == before
    assert all(p.grad is None for p in theirs.parameters())


def test_a_run_with_hints_resumes_to_the_bit_and_keeps_the_network_alone(
    tmp_path: Path, data: TrainingData
) -> None:
    recipe = Recipe(
        name="test", epochs=2, batch=7, ema_decay=0.9, sample_size=(40, 40), input_size=(32, 32)
    )

    def trainer(folder: Path) -> Trainer:
        return Trainer(build(), recipe, data, tmp_path / folder, hints=teacher())

    expected = trainer(Path("whole")).run()
    assert expected.state_dict().keys() == build().state_dict().keys()
    cut = trainer(Path("cut"))
    cut._step(False)
    cut.save()
    resumed = trainer(Path("cut"))
    assert (resumed.position.epoch, resumed.position.step) == (0, 1)
    assert weights_sha256(resumed.run()) == weights_sha256(expected)


def test_a_checkpoint_with_other_hints_is_of_another_run(
    tmp_path: Path, data: TrainingData
) -> None:
    recipe = Recipe(name="test", epochs=1, batch=7, sample_size=(40, 40), input_size=(32, 32))
    Trainer(build(), recipe, data, tmp_path, hints=teacher()).save()
    with pytest.raises(InputError, match="hints efficientnet_l0 there"):
        Trainer(build(), recipe, data, tmp_path)


def test_a_baseline_without_an_encoder_takes_no_hints() -> None:
    whole, _ = network.build(zoo.get("fcrn"), pretrained=False)
    with pytest.raises(InputError, match="fcrn has no encoder of its own"):
        Learner(whole, teacher())
