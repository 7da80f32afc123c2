"""Training after channels were taken away: briefly to choose by, and longer at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet.network import DepthNetwork, normalised
from depthnet.pruning.importance import importance
from depthnet.training import recipe as recipes
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.loader import Batches
from depthnet.training.batches.samples import Samples
from depthnet.training.loop import Trainer
from depthnet.training.objectives.objective import Objective
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.progress import Moment
from depthnet.training.recipe import Recipe
from depthnet.weights.origin import Weights

BASE = "better"
BRIEF_RATE, FINAL_RATE = 5e-5, 5e-4
"""Peaks of the learning rate. A few steps at more than the first lose more than channels do."""

PROBE = 1 << 20
"""An epoch that no training comes to: whose batches proposals are compared on."""


@dataclass(frozen=True)
class Lessons:
    """What a pruned network learns from: pairs, teachers, and where its weights came from."""

    data: TrainingData
    teachers: Sequence[Teacher]
    origin: Weights
    seed: int


def brief_recipe() -> Recipe:
    """One look at each of a few pairs; the last weights count."""
    return recipes.get(
        BASE, epochs=1, learning_rate=BRIEF_RATE, ema_decay=0.0, hints=0.0, validations=1
    )


def final_recipe(epochs: int) -> Recipe:
    """So many epochs of all pairs; the moving average counts."""
    return recipes.get(BASE, epochs=epochs, learning_rate=FINAL_RATE, hints=0.0)


def fine_tune(
    network: DepthNetwork,
    recipe: Recipe,
    lessons: Lessons,
    folder: Path,
    progress: Callable[[Moment], None] = lambda moment: None,
) -> Trainer:
    """Train `network` in place and return its run, ended; an interrupted one goes on.

    Raises what `Trainer.run` does.
    """
    trainer = Trainer(
        network,
        recipe,
        lessons.data,
        folder,
        seed=lessons.seed,
        origin=lessons.origin,
        teachers=lessons.teachers,
        progress=progress,
    )
    trainer.run()
    return trainer


def brief_lessons(lessons: Lessons, step: int, pairs: int) -> Lessons:
    """The lessons of a step's brief runs: so many pairs, others at every step."""
    samples = lessons.data.train
    draw = np.random.default_rng((lessons.seed, step)).permutation(len(samples))
    rows = torch.from_numpy(np.sort(draw[:pairs]))
    few = Samples(
        tuple(samples.names[row] for row in rows.tolist()),
        samples.images[rows],
        samples.depths[rows],
    )
    return replace(lessons, data=replace(lessons.data, train=few, sizes=[len(few)]))


def held_out_scores(trainer: Trainer) -> dict[str, float]:
    """The last scores of a run on the pairs that are held out."""
    row: dict[str, Any] = next(row for row in reversed(trainer.position.rows) if "delta1" in row)
    return {name: float(row[name]) for name in ("rmse", "rel", "delta1")}


Batch = tuple[Tensor, Tensor, Tensor]
"""As `Batches.get` gives it: images, depth, rays."""


def probe_batches(
    lessons: Lessons, network: DepthNetwork, recipe: Recipe, count: int
) -> list[Batch]:
    """`count` batches of training pairs, the same at every call."""
    size = network.entry.input_size
    batches = Batches(lessons.data.train, recipe, size, seed=lessons.seed, sizes=lessons.data.sizes)
    if not len(batches):
        raise InputError("too few training pairs for a batch")
    return [batches.get(PROBE + turn, 0) for turn in range(count)]


@torch.inference_mode()
def mean_loss(network: DepthNetwork, batches: Sequence[Batch], objective: Objective) -> float:
    """The loss of a network as it is, over some batches."""
    network.eval()
    losses = [
        objective(network(normalised(image, network)).float(), depth, rays).item()
        for image, depth, rays in batches
    ]
    return sum(losses) / len(losses)


def mean_importance(
    network: DepthNetwork, batches: Sequence[Batch], objective: Objective
) -> dict[str, Tensor]:
    """How far the loss moves without each unit of each group, the mean over some batches."""
    found = [
        importance(network, [(image, depth)], partial(objective, rays=rays))
        for image, depth, rays in batches
    ]
    return {name: torch.stack([one[name] for one in found]).mean(dim=0) for name in found[0]}
