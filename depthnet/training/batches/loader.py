"""Batches from nothing but (seed, epoch, position): no state to save, none to lose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depthbench.errors import InputError
from depthnet.training.batches.augmentation import DRAWS, augment, crop_of, mirrored
from depthnet.training.batches.crop import rays_of
from depthnet.training.batches.samples import Samples
from depthnet.training.recipe import Recipe

ORDER, CHANGES = 0, 1
"""Which stream of random numbers: the order of an epoch, or the changes of its samples."""


class Batches:
    """The batches of every epoch, for one process of `processes`.

    A batch is divided among the processes, so that together they see what one alone would see.
    An incomplete last batch is left out: its samples come in other epochs. `sizes`: of the
    samples' sources, in order; with the recipe's `shares` each batch has a fixed number of every
    source, and an epoch is one of the first source.
    """

    def __init__(
        self,
        samples: Samples,
        recipe: Recipe,
        size: tuple[int, int],
        *,
        seed: int,
        sizes: Sequence[int] = (),
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
        self.sizes = list(sizes) if recipe.shares else [len(samples)]
        wanted = recipe.batch if recipe.shares else min(recipe.batch, len(samples))
        self.counts = divide(wanted, recipe.shares or (1.0,), self.sizes)
        self.batch = sum(self.counts)
        if self.batch % processes:
            raise InputError(
                f"batch {self.batch} cannot be divided among {processes} processes: give a multiple"
            )

    def __len__(self) -> int:
        return self.sizes[0] // self.counts[0]

    def indices(self, epoch: int, step: int) -> list[int]:
        """Which samples this process sees at step `step` of an epoch."""
        parts, first = [], 0
        for source, (count, size) in enumerate(zip(self.counts, self.sizes, strict=True)):
            parts.append(first + self._of_source(source, count, size, epoch, step))
            first += size
        return np.concatenate(parts)[self.process :: self.processes].tolist()

    def _of_source(self, source: int, count: int, size: int, epoch: int, step: int) -> NDArray:
        if source == 0:
            order = _generator(self.seed, ORDER, epoch).permutation(size)
            return order[step * count : (step + 1) * count]
        # The others go round as often as they must, each in its own order.
        begin = (epoch * len(self) + step) * count
        rounds = range(begin // size, (begin + count - 1) // size + 1)
        orders = [_generator(self.seed, ORDER, turn, source).permutation(size) for turn in rounds]
        offset = begin - rounds[0] * size
        return np.concatenate(orders)[offset : offset + count]

    def draws(self, epoch: int, step: int) -> Tensor:
        """The uniform numbers, NxDRAWS, by which this process changes its samples."""
        return draws(self.seed, epoch, step, self.batch)[self.process :: self.processes]

    def get(self, epoch: int, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Images Nx3xHxW in [0, 1], depth NxCxHxW in metres (0: unknown), and rays; augmented."""
        rows = torch.tensor(self.indices(epoch, step))
        return self.prepare(rows, self.draws(epoch, step).to(self.device))

    def prepare(self, rows: Tensor, changes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The samples `rows` (N numbers, where the samples lie), changed by NxDRAWS numbers.

        Their rays are those of `rays_of`.
        """
        image = self.samples.images[rows].to(self.device).float().div_(255.0)
        depth = self.samples.depths[rows].to(self.device).float()
        options = self.recipe.augmentation
        aspect = image.shape[-1] / image.shape[-2]
        rays = rays_of(crop_of(changes, options), mirrored(changes, options), aspect)
        return *augment(image, depth, changes, options, self.size), rays


def divide(batch: int, shares: Sequence[float], sizes: Sequence[int]) -> list[int]:
    """How many of a batch each source gives: the nearest whole numbers, at least 1.

    Raises InputError when there is not one share a source, or more is asked of the first source
    than it has.
    """
    if len(shares) != len(sizes):
        raise InputError(f"{len(shares)} shares of a batch for {len(sizes)} sources: give one each")
    ends = np.rint(np.cumsum(shares) / sum(shares) * batch).astype(int)
    counts = np.diff(ends, prepend=0).clip(min=1).tolist()
    if counts[0] > sizes[0]:
        raise InputError(f"a batch takes {counts[0]} pairs of the first source's {sizes[0]}")
    return counts


def draws(seed: int, epoch: int, step: int, count: int) -> Tensor:
    """`count`xDRAWS uniform numbers in [0, 1) that depend on seed, epoch and step alone."""
    numbers = _generator(seed, CHANGES, epoch, step).random((count, DRAWS), dtype=np.float32)
    return torch.from_numpy(numbers)


def _generator(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))
