"""The changes of training batches: what they do to the image, they do to the depth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthnet.training.batches.augmentation import (
    CHANNEL_ORDERS,
    DRAWS,
    NONE,
    PAPER,
    Augmentation,
    augment,
    jitter,
    mirror,
    mix,
    paste_depth,
    swap_channels,
)
from depthnet.training.batches.crop import Crop, crop_and_scale
from depthnet.training.batches.loader import draws

SIZE = (12, 16)
STRONG = Augmentation(
    zoom=1.6, rotation=8, brightness=1.3, contrast=1.3, saturation=1.5, gamma=1.2, cut_depth=0.7
)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(6, 3, *SIZE, generator=generator)
    return image, 1 + 8 * torch.rand(6, 1, *SIZE, generator=generator)


def only(index: int, value: float) -> torch.Tensor:
    """Draws for one sample: `value` at `index`, none of the changes elsewhere."""
    numbers = torch.full((1, DRAWS), 0.999)
    numbers[0, index] = value
    return numbers


def test_no_change_leaves_a_batch_as_it_is(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    image, depth = augment(*batch, draws(0, 0, 0, 6), NONE, SIZE)
    assert torch.equal(image, batch[0])
    assert torch.equal(depth, batch[1])


def test_the_papers_changes_are_a_mirror_image_and_swapped_colours(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    seen = set()
    for epoch in range(20):
        image, depth = augment(*batch, draws(0, epoch, 0, 6), PAPER, SIZE)
        for row in range(6):
            candidates = {
                (flipped, order): batch[0][row][list(order)].flip(-1 if flipped else ())
                for flipped in (False, True)
                for order in CHANNEL_ORDERS
            }
            matches = [key for key, other in candidates.items() if torch.equal(image[row], other)]
            assert len(matches) == 1
            flipped = matches[0][0]
            expected = batch[1][row].flip(-1) if flipped else batch[1][row]
            assert torch.equal(depth[row], expected)
            seen.add(matches[0])
    assert seen == {(f, order) for f in (False, True) for order in CHANNEL_ORDERS}


def test_only_the_chosen_samples_are_mirrored(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    chosen = torch.tensor([True, False] * 3)
    image, depth = mirror(*batch, chosen)
    assert torch.equal(image[::2], batch[0][::2].flip(-1))
    assert torch.equal(image[1::2], batch[0][1::2])
    assert torch.equal(depth[::2], batch[1][::2].flip(-1))


def test_colours_are_put_into_the_order_that_was_drawn() -> None:
    image = torch.arange(3.0).reshape(1, 3, 1, 1).expand(6, 3, 1, 1)
    swapped = swap_channels(image, torch.arange(6), torch.ones(6, dtype=torch.bool))
    assert swapped.flatten(1).tolist() == [list(map(float, order)) for order in CHANNEL_ORDERS]


def test_what_is_enlarged_twice_is_the_middle_half_at_half_the_depth(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, depth = crop_and_scale(
        *batch, Crop(torch.full((6,), 2.0), torch.zeros(6, 2), torch.zeros(6)), (6, 8)
    )
    # Twice the size at half the pixels: the pixels of the middle, one for one.
    torch.testing.assert_close(image, batch[0][..., 3:9, 4:12])
    torch.testing.assert_close(depth, batch[1][..., 3:9, 4:12] / 2)


def test_a_crop_at_the_lower_right_reaches_the_corner(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, depth = crop_and_scale(
        *batch, Crop(torch.full((6,), 2.0), torch.ones(6, 2), torch.zeros(6)), (6, 8)
    )
    torch.testing.assert_close(image, batch[0][..., 6:, 8:])
    torch.testing.assert_close(depth, batch[1][..., 6:, 8:] / 2)


def test_a_quarter_turn_of_a_square_is_a_quarter_turn() -> None:
    image = torch.rand(1, 3, 8, 8)
    depth = 1 + torch.rand(1, 1, 8, 8)
    turned, nearer = crop_and_scale(
        image, depth, Crop(torch.ones(1), torch.zeros(1, 2), torch.tensor([math.pi / 2])), (8, 8)
    )
    torch.testing.assert_close(turned, image.rot90(1, (2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(nearer, depth.rot90(1, (2, 3)))


def test_depth_from_outside_the_image_is_unknown() -> None:
    image, depth = torch.rand(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    turned, nearer = crop_and_scale(
        image, depth, Crop(torch.ones(1), torch.zeros(1, 2), torch.tensor([math.pi / 4])), (16, 16)
    )
    assert nearer[0, 0, 0, 0] == 0
    assert nearer[0, 0, 8, 8] == 1
    assert turned.min() > 0


def test_jitter_is_what_its_factors_say() -> None:
    image = 0.2 + 0.3 * torch.rand(1, 3, 4, 4, dtype=torch.float64)
    factors = {"brightness": 1.2, "contrast": 0.9, "saturation": 1.3, "gamma": 1.1}
    got = jitter(image, **{k: torch.tensor([v]).double() for k, v in factors.items()})
    x = image.numpy()[0] * 1.2
    grey = np.tensordot([0.299, 0.587, 0.114], x, axes=1)
    x = grey + 1.3 * (x - grey)
    x = grey.mean() + 0.9 * (x - grey.mean())
    np.testing.assert_allclose(got.numpy()[0], np.clip(x, 0, 1) ** 1.1, rtol=1e-6)


def test_cut_depth_pastes_depth_into_its_rectangle_only() -> None:
    image = torch.full((1, 3, 10, 10), 0.25)
    depth = torch.full((1, 1, 10, 10), 4.0)
    depth[0, 0, 5, 5] = 0.0
    half = torch.full((1, 2), 0.5)
    pasted = paste_depth(image, depth, half, half, torch.tensor([True]))
    rectangle = torch.zeros(10, 10, dtype=torch.bool)
    # From the middle, half of what is left: columns and rows 5 to 7 (below 7.5).
    rectangle[5:8, 5:8] = True
    rectangle[5, 5] = False
    assert (pasted[0][:, rectangle] == 0.4).all()
    assert (pasted[0][:, ~rectangle] == 0.25).all()
    assert torch.equal(paste_depth(image, depth, half, half, torch.tensor([False])), image)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), epoch=st.integers(0, 1000))
def test_whatever_is_drawn_stays_in_range(seed: int, epoch: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(3, 3, *SIZE, generator=generator)
    depth = 1 + 8 * torch.rand(3, 2, *SIZE, generator=generator)
    depth[:, 1] = 2 * depth[:, 0]
    changed, nearer = augment(image, depth, draws(seed, epoch, 0, 3), STRONG, (8, 8))
    assert changed.shape == (3, 3, 8, 8)
    assert nearer.shape == (3, 2, 8, 8)
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert nearer.isfinite().all()
    known = nearer > 0
    assert (nearer[known] >= 1 / 1.6 - 1e-4).all()
    assert (nearer[known] <= 18).all()
    # A teacher's depth goes where the truth goes.
    torch.testing.assert_close(nearer[:, 1], 2 * nearer[:, 0])


def test_a_sample_is_changed_alike_in_any_batch(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    whole = augment(*batch, draws(3, 5, 0, 6), STRONG, (8, 8))
    for row in range(6):
        alone = augment(
            batch[0][row : row + 1],
            batch[1][row : row + 1],
            draws(3, 5, 0, 6)[row : row + 1],
            STRONG,
            (8, 8),
        )
        torch.testing.assert_close(alone[0][0], whole[0][row])
        torch.testing.assert_close(alone[1][0], whole[1][row])


def test_mixed_pictures_are_blends_whose_depth_is_unknown(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    image, depth = batch
    weight = torch.tensor([0.3, 0.9, 0.5, 0.1, 0.6, 0.8])
    chosen = torch.tensor([True, False, True, False, False, False])
    mixed, known = mix(image, depth, weight, chosen)
    torch.testing.assert_close(mixed[0], 0.3 * image[0] + 0.7 * image[5])
    torch.testing.assert_close(mixed[2], 0.5 * image[2] + 0.5 * image[1])
    assert torch.equal(mixed[~chosen], image[~chosen])
    assert torch.equal(known[~chosen], depth[~chosen])
    assert not known[chosen].any()


def test_mixing_happens_as_often_as_it_is_asked_for(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    options = Augmentation(flip=0.0, channel_swap=0.0, mixing=0.25)
    unknown = [
        (augment(*batch, draws(0, 0, step, 6), options, SIZE)[1] == 0).all(dim=(1, 2, 3))
        for step in range(200)
    ]
    assert torch.cat(unknown).float().mean() == pytest.approx(0.25, abs=0.04)
