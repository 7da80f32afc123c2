"""Recipes, learning rates, the moving average, checkpoints of other kinds, validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from depthbench.errors import InputError
from depthnet.network import DeployedNetwork, DepthNetwork
from depthnet.scoring import metrics, protocols
from depthnet.training import checkpoint, recipe
from depthnet.training.batches.augmentation import PAPER
from depthnet.training.batches.samples import Samples
from depthnet.training.schedule import learning_rate
from depthnet.training.steps.ema import MovingAverage
from depthnet.training.validation import validate


def test_the_papers_recipe_is_the_papers() -> None:
    paper = recipe.get("paper")
    assert (paper.optimizer, paper.learning_rate, paper.betas) == ("adam", 2e-4, (0.9, 0.999))
    assert (paper.batch, paper.epochs, paper.loss) == (16, 20, "bmix")
    assert (paper.precision, paper.schedule) == ("float32", "constant")
    assert paper.augmentation == PAPER


def test_a_recipe_is_changed_by_name_and_none_changes_nothing() -> None:
    changed = recipe.get("better", epochs=3, batch=None)
    assert changed == dataclasses.replace(recipe.get("better"), epochs=3)


def test_recipes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'better'"):
        recipe.get("bettr")
    with pytest.raises(InputError, match="epochs is 0"):
        recipe.get("paper", epochs=0)


def test_one_cycle_is_pytorchs() -> None:
    given = recipe.Recipe(name="cycle", schedule="one-cycle", warmup=0.3, learning_rate=0.1)
    steps = 101
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, total_steps=steps, pct_start=0.3, div_factor=25, final_div_factor=400
    )
    theirs = []
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    ours = [learning_rate(given, step, steps) for step in range(steps)]
    # PyTorch's cycle ends with the last step, ours a step later; the peak is one step apart.
    np.testing.assert_allclose(ours, theirs, atol=0.004)


def test_a_constant_rate_stays() -> None:
    paper = recipe.get("paper")
    assert {learning_rate(paper, step, 50) for step in range(50)} == {2e-4}


def test_the_average_is_the_recursion_by_hand() -> None:
    network = nn.BatchNorm2d(2)
    average = MovingAverage(network, decay=0.5)
    expected, value = np.ones(2), np.ones(2)
    for step in range(6):
        value = value * 1.5
        with torch.no_grad():
            network.weight.copy_(torch.from_numpy(value))
            network.get_buffer("num_batches_tracked").add_(1)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
        average.update(network, average.share(step))
    np.testing.assert_allclose(
        average.network.get_parameter("weight").detach(), expected, rtol=1e-6
    )
    assert average.network.num_batches_tracked == 6


def test_validation_is_the_papers_protocol(
    tiny: Callable[..., DepthNetwork], samples: Callable[..., Samples]
) -> None:
    network, held_out = tiny().eval(), samples(3, (32, 32))

    def predict(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return DeployedNetwork(network).eval()(torch.from_numpy(image)).numpy()[0, 0]

    def mirror(image: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(image[..., ::-1])

    expected = []
    for image, depth in zip(held_out.images, held_out.depths, strict=True):
        given = image.numpy()[None].astype(np.float32) / np.float32(255)
        depth_map = protocols.predict_flip_averaged(predict, given, mirror)
        expected.append(protocols.get("paper").score(depth_map, depth[0].float().numpy()))
    scores = validate(network, held_out)
    for name in metrics.NAMES:
        mean = np.mean([dict(score)[name] for score in expected])
        assert scores[name] == pytest.approx(mean, rel=1e-5)


def test_files_that_are_no_checkpoint_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="damaged"):
        checkpoint.load(path)
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="not a training checkpoint"):
        checkpoint.load(path)
    torch.save({"format": 99}, path)
    with pytest.raises(InputError, match=f"format 99, this version reads {checkpoint.FORMAT}"):
        checkpoint.load(path)
    torch.save({"format": checkpoint.FORMAT, "position": {}}, path)
    with pytest.raises(InputError, match="incomplete"):
        checkpoint.load(path)


def test_any_number_of_a_recipe_can_be_set() -> None:
    changed = recipe.get("better", **dict(map(recipe.parse_setting, ("hints=0.3", "batch=4"))))
    assert (changed.hints, changed.batch) == (0.3, 4)
    assert isinstance(changed.batch, int)
    closer = recipe.get("better", **dict([recipe.parse_setting("zoom=1.1")]))
    assert closer.augmentation.zoom == 1.1
    assert closer.augmentation.rotation == recipe.get("better").augmentation.rotation


@pytest.mark.parametrize("setting", ["hint=1", "hints", "hints=much", "batch=1.5", "name=other"])
def test_what_is_no_number_of_a_recipe_is_refused(setting: str) -> None:
    with pytest.raises(InputError, match="setting"):
        recipe.parse_setting(setting)
