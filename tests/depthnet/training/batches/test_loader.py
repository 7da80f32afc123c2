"""Batches follow from (seed, epoch, position), whoever asks and in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from depthbench.errors import InputError
from depthnet.training.batches.augmentation import NONE
from depthnet.training.batches.loader import Batches, draws
from depthnet.training.batches.samples import Samples
from depthnet.training.recipe import Recipe

SIZE = (16, 16)


@pytest.fixture
def ten(samples: Callable[..., Samples]) -> Samples:
    return samples(10, SIZE)


def batches(samples: Samples, *, batch: int = 4, **options: Any) -> Batches:
    given = {"seed": 0, **options}
    return Batches(samples, Recipe(name="test", batch=batch), SIZE, **given)


def test_an_epoch_sees_every_sample_at_most_once_and_another_epoch_another_order(
    ten: Samples,
) -> None:
    loader = batches(ten)
    orders = [[i for step in range(2) for i in loader.indices(epoch, step)] for epoch in (0, 1)]
    assert all(len(set(order)) == 8 for order in orders)
    assert orders[0] != orders[1]


def test_batches_do_not_depend_on_what_was_asked_before(ten: Samples) -> None:
    first, second = batches(ten), batches(ten)
    for epoch in range(3):
        for step in range(2):
            second.get(epoch, step)
    for ours, theirs in zip(first.get(1, 1), second.get(1, 1), strict=True):
        assert torch.equal(ours, theirs)


def test_processes_together_see_what_one_alone_sees(ten: Samples) -> None:
    alone = batches(ten).indices(2, 1)
    parts = [batches(ten, process=p, processes=2).indices(2, 1) for p in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(alone)
    assert len(parts[0]) == len(parts[1]) == 2


def test_a_batch_that_cannot_be_divided_is_refused(ten: Samples) -> None:
    with pytest.raises(InputError, match="batch 4 cannot be divided among 3"):
        batches(ten, processes=3)


def test_a_batch_is_the_samples_as_numbers(ten: Samples) -> None:
    loader = Batches(ten, Recipe(name="test", batch=4, augmentation=NONE), SIZE, seed=0)
    image, depth = loader.get(0, 0)
    rows = loader.indices(0, 0)
    np.testing.assert_allclose(image.numpy(), ten.images[rows].numpy() / 255.0, rtol=1e-6)
    assert torch.equal(depth, ten.depths[rows].float())


def test_draws_are_uniform_and_independent() -> None:
    numbers = torch.cat([draws(0, 0, step, 200) for step in range(5)]).numpy()
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    correlation = np.corrcoef(numbers.T) - np.eye(numbers.shape[1])
    assert np.abs(correlation).max() < 0.15
    assert len(np.unique(numbers[:, 0])) == len(numbers)
