"""A teacher: what he sees, what he teaches, and that nothing of him is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.encoders import Encoder
from depthnet.network import (
    DeployedNetwork,
    DepthNetwork,
    EncoderDecoder,
    normalised,
    weights_sha256,
)
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.loop import Trainer
from depthnet.training.objectives.distillation import Learner
from depthnet.training.objectives.teacher import DEEPEST, Teacher, load_teacher, maps_of
from depthnet.training.recipe import Recipe
from depthnet.weights.formats import save_weights

SMALL = dataclasses.replace(zoo.get("regnety_004_add"), input_size=(32, 32))
RECIPE = Recipe(
    name="test", epochs=2, batch=7, ema_decay=0.9, sample_size=(40, 40), input_size=(32, 32)
)


def build(name: str = "regnety_004_add", seed: int = 0) -> DepthNetwork:
    entry = dataclasses.replace(zoo.get(name), input_size=(32, 32))
    return network.build(entry, pretrained=False, seed=seed)[0]


def encoder() -> Encoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Encoder("efficientnet_l0").eval()


def whole(seed: int = 1) -> Teacher:
    taught = build("mobilenet_v2_cat", seed)
    assert isinstance(taught, EncoderDecoder)
    return Teacher(taught, "whole")


def look(learner: Learner, image: torch.Tensor) -> tuple:
    return learner(image, learner.lessons(image))


def test_without_a_teacher_there_is_no_distance_and_no_other_depth() -> None:
    prediction, distance, taught = look(Learner(build().eval()), torch.rand(2, 3, 32, 32))
    assert prediction.shape == (2, 1, 32, 32)
    assert distance.item() == 0.0
    assert taught is None


def test_a_network_teaches_the_depth_that_it_predicts() -> None:
    teacher = whole()
    image = torch.rand(2, 3, 64, 64)
    _, depth = teacher(image)
    assert isinstance(teacher.source, DepthNetwork)
    assert depth is not None
    with torch.no_grad():
        torch.testing.assert_close(depth, DeployedNetwork(teacher.source)(image))
    assert depth.std() > 0.01


def test_an_encoder_teaches_features_alone() -> None:
    maps, depth = Teacher(encoder(), "encoder")(torch.rand(1, 3, 64, 64))
    assert depth is None
    assert {stride: x.shape[-1] for stride, x in maps.items()} == {4: 16, 8: 8, 16: 4, 32: 2}


def test_the_same_encoder_is_near_through_the_projection_that_whitens() -> None:
    torch.manual_seed(0)
    pupil = build().eval()
    assert isinstance(pupil, EncoderDecoder)
    learner = Learner(pupil, [Teacher(pupil.encoder, "itself")]).eval()
    image = torch.rand(8, 3, 64, 64)
    _, far, _ = look(learner, image)
    with torch.no_grad():
        maps = maps_of(pupil.encoder(normalised(image, pupil)))
        assert DEEPEST in maps
        for key, projection in learner.projections.items():
            x = maps[int(key.partition("_")[2])]
            scale = 1.0 / (x.std(dim=(0, 2, 3)) + 1e-3)
            projection.get_parameter("weight").copy_(torch.diag(scale)[:, :, None, None])
            projection.get_parameter("bias").copy_(-x.mean(dim=(0, 2, 3)) * scale)
    _, near, _ = look(learner, image)
    assert far.item() > 0.5
    assert near.item() < 1e-4


def test_a_few_steps_bring_the_features_nearer_and_leave_the_teacher_alone() -> None:
    torch.manual_seed(0)
    theirs = encoder()
    before = weights_sha256(theirs)
    learner = Learner(build(), [Teacher(theirs, "encoder")]).train()
    assert not theirs.training
    optimizer = torch.optim.Adam(learner.parameters(), lr=3e-3)
    image = torch.rand(8, 3, 64, 64)
    distances = []
    for _ in range(12):
        _, distance, _ = look(learner, image)
        optimizer.zero_grad()
        distance.backward()
        optimizer.step()
        distances.append(distance.item())
    assert distances[-1] < 0.7 * distances[0]
    assert weights_sha256(theirs) == before
    assert all(p.grad is None for p in theirs.parameters())


def test_a_run_with_a_teacher_resumes_to_the_bit_and_keeps_the_network_alone(
    tmp_path: Path, data: TrainingData
) -> None:
    def trainer(folder: Path) -> Trainer:
        return Trainer(build(), RECIPE, data, tmp_path / folder, teachers=[whole()])

    expected = trainer(Path("whole")).run()
    assert expected.state_dict().keys() == build().state_dict().keys()
    cut = trainer(Path("cut"))
    cut._step(False)
    cut.save()
    resumed = trainer(Path("cut"))
    assert (resumed.position.epoch, resumed.position.step) == (0, 1)
    assert weights_sha256(resumed.run()) == weights_sha256(expected)


def test_another_teacher_is_another_run(tmp_path: Path, data: TrainingData) -> None:
    Trainer(build(), RECIPE, data, tmp_path, teachers=[whole()]).save()
    with pytest.raises(InputError, match=r"teachers \['whole'\] there"):
        Trainer(build(), RECIPE, data, tmp_path)


def test_what_he_teaches_moves_the_weights(tmp_path: Path, data: TrainingData) -> None:
    hashes = [
        weights_sha256(Trainer(build(), RECIPE, data, tmp_path / str(k), teachers=teachers).run())
        for k, teachers in enumerate(([whole(1)], [whole(2)], [whole(1), whole(2)], []))
    ]
    assert len(set(hashes)) == 4


def test_a_weights_file_and_a_file_of_an_encoder_are_teachers(tmp_path: Path) -> None:
    taught = build("mobilenet_v2_cat")
    save_weights(taught, tmp_path / "net.safetensors", {})
    teacher = load_teacher(tmp_path / "net.safetensors")
    assert teacher.name.startswith("net (")
    _, depth = teacher(torch.rand(1, 3, 64, 64))
    assert depth is not None
    backbone = encoder().backbone.state_dict()
    torch.save({"features.0.0.weight": backbone["conv_stem.weight"]}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth: of no known encoder"):
        load_teacher(tmp_path / "other.pth")


def test_a_baseline_without_an_encoder_neither_teaches_nor_is_taught(tmp_path: Path) -> None:
    baseline, _ = network.build(zoo.get("fastdepth_pruned"), pretrained=False)
    save_weights(baseline, tmp_path / "net.safetensors", {})
    with pytest.raises(InputError, match="no encoder of its own to teach with"):
        load_teacher(tmp_path / "net.safetensors")
    with pytest.raises(InputError, match="fastdepth_pruned has no encoder of its own"):
        Learner(baseline, [whole()])
