"""Sharpness-aware minimisation against its definition, computed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from depthnet.network import DepthNetwork, weights_sha256
from depthnet.training.loop import Trainer
from depthnet.training.recipe import Recipe
from depthnet.training.steps.sam import uphill

RADIUS = 0.3


def test_on_a_quadratic_it_is_the_closed_form() -> None:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    matrix = matrix @ matrix.T
    model = nn.Linear(4, 1, bias=False, dtype=torch.float64)
    w = model.weight[0]

    def backward() -> None:
        model.zero_grad()
        (0.5 * model.weight[0] @ matrix @ model.weight[0]).backward()

    backward()
    gradient = matrix @ w
    expected = matrix @ (w + RADIUS * gradient / gradient.norm())
    before = model.weight.detach().clone()
    with uphill(model, RADIUS):
        assert (model.weight - before).norm().item() == pytest.approx(RADIUS)
        backward()
    assert torch.equal(model.weight, before)
    assert model.weight.grad is not None
    torch.testing.assert_close(model.weight.grad[0], expected.detach())


def test_a_step_takes_the_gradient_uphill_and_looks_at_the_batch_once(
    tmp_path: Path, trainer: Callable[..., Trainer], tiny: Callable[..., DepthNetwork]
) -> None:
    plain, sharp = (
        trainer(
            tmp_path / str(radius),
            Recipe(name="test", batch=4, sample_size=(40, 40), sam_radius=radius),
            network=tiny(dropout=0.0),
        )
        for radius in (0.0, RADIUS)
    )
    batch = plain.batches.get(0, 0)
    loss, _ = plain.step.gradient(*batch)
    moved = copy.deepcopy(plain.network)
    gradients = [p.grad for p in plain.network.parameters() if p.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    with torch.no_grad():
        for parameter, gradient in zip(moved.parameters(), gradients, strict=True):
            parameter.add_(RADIUS * gradient / norm)
    sharp_loss, _ = sharp.step.gradient(*batch)
    assert sharp_loss == loss
    assert weights_sha256(sharp.network) == weights_sha256(plain.network)
    plain.network.load_state_dict(moved.state_dict())
    plain.step.gradient(*batch)
    for ours, theirs in zip(sharp.network.parameters(), plain.network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)


def test_it_resumes_to_the_bit(tmp_path: Path, trainer: Callable[..., Trainer]) -> None:
    recipe = Recipe(name="test", epochs=2, batch=4, sample_size=(40, 40), sam_radius=0.05)
    expected = weights_sha256(trainer(tmp_path / "whole", recipe).run())
    cut = trainer(tmp_path / "cut", recipe)
    cut._step(False)
    cut.save()
    resumed = trainer(tmp_path / "cut", recipe)
    assert resumed.number == 1
    assert weights_sha256(resumed.run()) == expected
