"""Batches from nothing but (seed, epoch, position): no state to save, none to lose."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from depthbench.errors import InputError
from depthnet.training.batches.augmentation import DRAWS, augment
from depthnet.training.batches.samples import Samples
from depthnet.training.recipe import Recipe

ORDER, CHANGES = 0, 1
"""Which stream of random numbers: the order of an epoch, or the changes of a sample."""


class Batches:
    """The batches of every epoch, for one process of `processes`.

    A batch is divided among the processes, so that together they see what one alone would see.
    An incomplete last batch is left out: its samples come in other epochs.
    """

    def __init__(
        self,
        samples: Samples,
        recipe: Recipe,
        size: tuple[int, int],
        *,
        seed: int,
        process: int = 0,
        processes: int = 1,
        device: str = "cpu",
    ) -> None:
        self.samples = samples
        self.recipe = recipe
        self.size = size
        self.seed = seed
        self.process = process
        self.processes = processes
        self.device = device
        self.batch = min(recipe.batch, len(samples))
        if self.batch % processes:
            raise InputError(
                f"batch {self.batch} cannot be divided among {processes} processes: give a multiple"
            )

    def __len__(self) -> int:
        return len(self.samples) // self.batch

    def indices(self, epoch: int, step: int) -> list[int]:
        """Which samples this process sees at step `step` of an epoch."""
        order = _generator(self.seed, ORDER, epoch).permutation(len(self.samples))
        batch = order[step * self.batch : (step + 1) * self.batch]
        return batch[self.process :: self.processes].tolist()

    def get(self, epoch: int, step: int) -> tuple[Tensor, Tensor]:
        """Images Nx3xHxW in [0, 1] and depth NxCxHxW in metres (0: unknown), augmented."""
        rows = self.indices(epoch, step)
        image = self.samples.images[rows].to(self.device).float().div_(255.0)
        depth = self.samples.depths[rows].to(self.device).float()
        changes = draws(self.seed, epoch, rows).to(self.device)
        return augment(image, depth, changes, self.recipe.augmentation, self.size)


def draws(seed: int, epoch: int, indices: list[int]) -> Tensor:
    """NxDRAWS uniform numbers in [0, 1) that depend on seed, epoch and index alone."""
    rows = [_generator(seed, CHANGES, epoch, index).random(DRAWS) for index in indices]
    return torch.from_numpy(np.stack(rows)).float()


def _generator(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
