"""The losses against numpy and scipy closed forms of equations 4 to 10."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from depthbench.errors import InputError
from depthnet.training.objectives import losses
from depthnet.training.objectives.losses import Mixture, mixed

SPAN = 99.0


@pytest.fixture
def maps() -> tuple[NDArray, NDArray]:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 100, (2, 1, 24, 20))
    return truth + rng.normal(0, 5, truth.shape), truth


def tensors(prediction: NDArray, truth: NDArray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(prediction), torch.from_numpy(truth)


def everywhere(array: NDArray) -> torch.Tensor:
    return torch.ones(array.shape, dtype=torch.bool)


def numpy_berhu(error: NDArray, c: float) -> float:
    error = np.abs(error)
    return float(np.where(error <= c, error, (error**2 + c**2) / (2 * c)).mean())


def numpy_edge(prediction: NDArray, truth: NDArray) -> float:
    g_x = np.diff(prediction, axis=-1) - np.diff(truth, axis=-1)
    g_y = np.diff(prediction, axis=-2) - np.diff(truth, axis=-2)
    return float((np.abs(g_x).sum() + np.abs(g_y).sum()) / truth.size)


def scipy_ssim(x: NDArray, y: NDArray, span: float) -> float:
    """Wang's SSIM of two images: an 11x11 Gaussian window of sigma 1.5, whole windows only."""

    def mean(image: NDArray) -> NDArray:
        return gaussian_filter(image, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    luminance = (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return float((luminance * (2 * cov + c2) / (vx + vy + c2)).mean())


def test_l1_is_the_mean_absolute_error(maps: tuple[NDArray, NDArray]) -> None:
    prediction, truth = maps
    value = losses.l1(*tensors(prediction, truth), everywhere(truth))
    assert value.item() == pytest.approx(np.abs(prediction - truth).mean())


def test_berhu_turns_quadratic_at_a_fifth_of_the_largest_error_of_the_batch(
    maps: tuple[NDArray, NDArray],
) -> None:
    prediction, truth = maps
    error = prediction - truth
    value = losses.berhu(*tensors(prediction, truth), everywhere(truth))
    assert value.item() == pytest.approx(numpy_berhu(error, 0.2 * np.abs(error).max()))


def test_berhu_by_hand() -> None:
    # Errors 1 and 10: c = 2; |1| = 1 and (100 + 4) / 4 = 26; mean 13.5.
    prediction = torch.tensor([1.0, 10.0]).reshape(1, 1, 1, 2)
    truth = torch.zeros_like(prediction)
    value = losses.berhu(prediction, truth, torch.ones_like(truth, dtype=torch.bool))
    assert value.item() == pytest.approx(13.5)


def test_edge_is_the_difference_of_the_gradients(maps: tuple[NDArray, NDArray]) -> None:
    prediction, truth = maps
    value = losses.edge(*tensors(prediction, truth), everywhere(truth))
    assert value.item() == pytest.approx(numpy_edge(prediction, truth))


def test_edge_ignores_a_constant_offset(maps: tuple[NDArray, NDArray]) -> None:
    _, truth = maps
    value = losses.edge(*tensors(truth + 3.0, truth), everywhere(truth))
    assert value.item() == pytest.approx(0.0, abs=1e-12)


def test_ssim_is_wangs(maps: tuple[NDArray, NDArray]) -> None:
    prediction, truth = maps
    expected = np.mean(
        [scipy_ssim(x[0], y[0], SPAN) for x, y in zip(prediction, truth, strict=True)]
    )
    value = losses.ssim(*tensors(prediction, truth), everywhere(truth), span=SPAN)
    assert value.item() == pytest.approx(expected, rel=1e-9)


def test_ratio_is_the_error_of_the_logarithm() -> None:
    truth = torch.full((1, 1, 4, 4), 3.0)
    value = losses.ratio(truth * 1.25, truth, torch.ones_like(truth, dtype=torch.bool))
    assert value.item() == pytest.approx(np.log(1.25), rel=1e-6)


def test_slopes_are_the_edges_of_logarithms_near_and_far(maps: tuple[NDArray, NDArray]) -> None:
    prediction, truth = maps
    expected = np.mean(
        [
            numpy_edge(*(np.log(x)[..., ::step, ::step] for x in (prediction.clip(0.01), truth)))
            for step in (1, 2, 4, 8)
        ]
    )
    value = losses.slopes(*tensors(prediction, truth), everywhere(truth))
    assert value.item() == pytest.approx(expected)
    factor = losses.slopes(*tensors(1.3 * truth, truth), everywhere(truth))
    assert factor.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "ssim", "edge", "l1", "berhu"),
    [
        ("am", 0.85, 0, 0.15, 0),
        ("mix", 1, 1, 0.1, 0),
        ("bmix", 1, 1, 0, 1),
    ],
)
def test_the_mixtures_are_the_papers_sums(
    maps: tuple[NDArray, NDArray], name: str, ssim: float, edge: float, l1: float, berhu: float
) -> None:
    prediction, truth = maps
    error = prediction - truth
    similarity = np.mean([scipy_ssim(x[0], y[0], SPAN) for x, y in zip(*maps, strict=True)])
    expected = (
        ssim * (1 - similarity) / 2
        + edge * numpy_edge(prediction, truth)
        + l1 * np.abs(error).mean()
        + berhu * numpy_berhu(error, 0.2 * np.abs(error).max())
    )
    value = mixed(*tensors(prediction, truth), losses.get(name), span=SPAN)
    assert value.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", losses.MIXTURES)
def test_unknown_pixels_have_neither_value_nor_gradient(
    maps: tuple[NDArray, NDArray], name: str
) -> None:
    truth = torch.from_numpy(maps[1])
    mask = everywhere(maps[1])
    mask[0, 0, 10:16, 8:14] = False
    values = []
    for wrong in (0.5, 77.0):
        prediction = torch.from_numpy(maps[0]).clone()
        prediction[~mask] = wrong
        prediction.requires_grad_()
        value = mixed(prediction, truth, losses.get(name), span=SPAN, mask=mask)
        value.backward()
        assert prediction.grad is not None
        assert not prediction.grad[~mask].any()
        assert prediction.grad[mask].any()
        values.append(value.item())
    assert values[0] == pytest.approx(values[1], rel=1e-12)


@pytest.mark.parametrize("name", losses.MIXTURES)
def test_a_batch_without_a_known_pixel_costs_nothing(name: str) -> None:
    prediction = torch.full((1, 1, 16, 16), 2.0, requires_grad=True)
    truth = torch.ones(1, 1, 16, 16)
    nowhere = torch.zeros_like(truth, dtype=torch.bool)
    value = mixed(prediction, truth, losses.get(name), span=SPAN, mask=nowhere)
    value.backward()
    assert value.item() == 0
    assert prediction.grad is not None
    assert not prediction.grad.any()


@pytest.mark.parametrize("name", losses.MIXTURES)
def test_a_perfect_prediction_costs_nothing_and_has_a_finite_gradient(name: str) -> None:
    truth = torch.rand(1, 1, 16, 16, dtype=torch.float64) * 9 + 1
    prediction = truth.clone().requires_grad_()
    value = mixed(prediction, truth, losses.get(name), span=SPAN)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-9)
    assert prediction.grad is not None
    assert prediction.grad.isfinite().all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), scale=st.floats(0.01, 30))
def test_berhu_is_never_below_l1_and_ssim_is_bounded(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    truth = torch.rand(1, 1, 12, 12, generator=generator, dtype=torch.float64) * 99 + 1
    noise = torch.randn(truth.shape, generator=generator, dtype=torch.float64)
    prediction = truth + scale * noise
    mask = torch.ones_like(truth, dtype=torch.bool)
    assert losses.berhu(prediction, truth, mask) >= losses.l1(prediction, truth, mask) - 1e-12
    assert 0 <= losses.ssim_loss(prediction, truth, mask, span=SPAN) <= 1


def test_the_gradient_is_that_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(1)
    truth = torch.rand(1, 1, 12, 12, generator=generator, dtype=torch.float64) * 9 + 1
    prediction = truth + 0.3 * torch.randn(truth.shape, generator=generator, dtype=torch.float64)
    # BerHu's c is a constant to the gradient, not to a finite difference: left out here.
    smooth = Mixture(l1=0.5, ssim=1.0, edge=1.0, ratio=1.0)
    assert torch.autograd.gradcheck(
        lambda x: mixed(x, truth, smooth, span=9.0), prediction.requires_grad_()
    )


def test_a_misspelt_loss_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'bmix'"):
        losses.get("bmx")
