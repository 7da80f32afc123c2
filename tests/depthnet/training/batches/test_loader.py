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
from depthnet.training.batches.loader import Batches, divide, draws
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
    image, depth, _ = loader.get(0, 0)
    rows = loader.indices(0, 0)
    np.testing.assert_allclose(image.numpy(), ten.images[rows].numpy() / 255.0, rtol=1e-6)
    assert torch.equal(depth, ten.depths[rows].float())


def test_draws_are_uniform_and_independent() -> None:
    numbers = torch.cat([draws(0, 0, step, 200) for step in range(5)]).numpy()
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    correlation = np.corrcoef(numbers.T) - np.eye(numbers.shape[1])
    assert np.abs(correlation).max() < 0.15
    assert len(np.unique(numbers[:, 0])) == len(numbers)


def test_shares_give_every_batch_so_many_of_each_source(samples: Callable[..., Samples]) -> None:
    recipe = Recipe(name="test", batch=8, shares=(0.5, 0.2, 0.3))
    loader = Batches(samples(30, SIZE), recipe, SIZE, seed=0, sizes=[12, 3, 15])
    assert (len(loader), loader.batch) == (3, 8)
    seen = [loader.indices(*divmod(number, 3)) for number in range(30)]
    for rows in seen:
        first, second, third = rows[:4], rows[4:6], rows[6:]
        assert all(row < 12 for row in first)
        assert all(12 <= row < 15 for row in second)
        assert all(15 <= row < 30 for row in third)
    # Each source goes round: none of its samples comes more than once more than another.
    for own in (range(12), range(12, 15), range(15, 30)):
        times = [sum(rows.count(row) for rows in seen) for row in own]
        assert max(times) - min(times) <= 1


def test_shares_that_do_not_fit_the_sources_are_refused() -> None:
    assert divide(10, (3.0, 1.0), [20, 2]) == [8, 2]
    assert divide(4, (0.99, 0.01), [20, 2]) == [4, 1]
    with pytest.raises(InputError, match="2 shares of a batch for 3 sources"):
        divide(8, (0.5, 0.5), [4, 4, 4])
    with pytest.raises(InputError, match="takes 6 pairs of the first source's 4"):
        divide(8, (0.75, 0.25), [4, 4])
