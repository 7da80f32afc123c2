"""A step asks nothing of its device that would make it wait, so that a GPU can replay it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from depthnet import network, zoo
from depthnet.network import EncoderDecoder
from depthnet.training.batches.augmentation import Augmentation
from depthnet.training.batches.loader import Batches
from depthnet.training.batches.samples import Samples
from depthnet.training.objectives.distillation import Learner
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.recipe import Recipe
from depthnet.training.steps.drop_path import set_drop_path
from depthnet.training.steps.ema import MovingAverage
from depthnet.training.steps.step import Step, make_optimizer

WAITS = ("_local_scalar_dense", "lift_fresh", "nonzero", "masked_select", "is_nonzero", "equal")
"""Operators that bring a number to the host, make a tensor from one, or a shape from values."""

ALL = Augmentation(
    zoom=1.3, rotation=5.0, brightness=1.2, contrast=1.2, saturation=1.2, gamma=1.2,
    cut_depth=0.5, mixing=0.5,
)  # fmt: skip


class Watched(TorchDispatchMode):
    """Notes every operator that would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[str] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if any(name in str(function) for name in WAITS):
            self.waits.append(str(function))
        return function(*args, **(kwargs or {}))


def build(name: str) -> EncoderDecoder:
    entry = dataclasses.replace(zoo.get(name), input_size=(64, 64))
    built, _ = network.build(entry, pretrained=False)
    assert isinstance(built, EncoderDecoder)
    return built


@pytest.mark.parametrize("radius", [0.0, 0.05])
@pytest.mark.parametrize("loss", ["bmix-ratio-normals", "log"])
@pytest.mark.parametrize("name", ["mobiledepth", "efficientnet_l0_cat"])
def test_a_step_never_waits_for_the_device(
    loss: str, name: str, radius: float, samples: Callable[..., Samples]
) -> None:
    recipe = Recipe(
        name="test", batch=4, optimizer="adamw", clip_norm=5.0, ema_decay=0.9, loss=loss,
        augmentation=ALL, drop_path=0.2, sam_radius=radius,
    )  # fmt: skip
    pupil, teachers = build(name), [Teacher(build("mobilenet_v2_cat"), "a")] * 2
    learner = Learner(pupil, teachers).train()
    assert set_drop_path(pupil.encoder, 0.2) > 5
    average = MovingAverage(pupil, 0.9)
    optimizer = make_optimizer(learner, recipe, 1.0)
    step = Step(learner, recipe, optimizer, average, "float32")
    made = samples(6, (72, 72))
    batches = Batches(made, recipe, (64, 64), seed=0)
    rows, changes, share = torch.tensor([0, 1, 2, 3]), batches.draws(0, 0), torch.tensor(0.1)
    step.gradient(*batches.prepare(rows, changes))  # fixed tensors are made once
    step.apply(share)
    with Watched() as watched:
        step.gradient(*batches.prepare(rows, changes))
        average.update(pupil, share)
    # On a GPU, SSIM does not ask.
    asked = watched.waits.count("aten._local_scalar_dense.default")
    passes = 2 if radius else 1
    assert asked == len(watched.waits) == (0 if loss == "log" else 2 * passes)
