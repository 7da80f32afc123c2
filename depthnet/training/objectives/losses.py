"""Training losses of the paper (section IV-D, equations 4 to 10) and their mixtures by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

BERHU_SHARE = 0.2
"""The BerHu threshold c as a share of the largest error in the batch (below equation 5)."""

# Wang et al. 2004: an 11x11 Gaussian window of sigma 1.5, K1 = .01, K2 = .03.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1, SSIM_K2 = 0.01, 0.03

# Far below the inverse depth of 10 m, 1: a prediction down here has no sensible logarithm.
SMALLEST_RATIO_INPUT = 0.01


@dataclass(frozen=True)
class Mixture:
    """A loss as the weights of its terms; a term of weight zero is not computed.

    `normals` needs metres and rays, and is added by `Objective`.
    """

    l1: float = 0.0
    berhu: float = 0.0
    ssim: float = 0.0
    edge: float = 0.0
    ratio: float = 0.0
    slope: float = 0.0
    slopes: float = 0.0
    normals: float = 0.0


ALPHA = 0.85

MIXTURES = {
    "l1": Mixture(l1=1.0),
    "berhu": Mixture(berhu=1.0),
    "ssim": Mixture(ssim=1.0),
    "edge": Mixture(edge=1.0),
    "ratio": Mixture(ratio=1.0),
    "am": Mixture(ssim=ALPHA, l1=1.0 - ALPHA),
    "mix": Mixture(ssim=1.0, edge=1.0, l1=0.1),
    "bmix": Mixture(ssim=1.0, edge=1.0, berhu=1.0),
    # Ours: delta1 counts ratios, so the error of the logarithm leads; the rest is BMIX.
    "bmix-ratio": Mixture(ssim=1.0, edge=1.0, berhu=1.0, ratio=10.0),
    # Ours: the same error near and far, and edges where the logarithm has them.
    "log": Mixture(ratio=1.0, slope=1.0),
    # Ours: how surfaces lie, by their normals or by the slopes of the logarithm near and far.
    "bmix-ratio-normals": Mixture(ssim=1.0, edge=1.0, berhu=1.0, ratio=10.0, normals=5.0),
    "bmix-ratio-slopes": Mixture(ssim=1.0, edge=1.0, berhu=1.0, ratio=10.0, slopes=5.0),
}

STRIDES = (1, 2, 4, 8)
"""Of the pixels whose slopes are compared (Li and Snavely 2018)."""


def get(name: str) -> Mixture:
    """The mixture called `name`; raises InputError with the nearest name when there is none."""
    if name in MIXTURES:
        return MIXTURES[name]
    raise InputError(f"unknown loss '{name}'", advice=did_you_mean(name, MIXTURES))


def mixed(
    prediction: Tensor, truth: Tensor, mixture: Mixture, *, span: float, mask: Tensor | None = None
) -> Tensor:
    """The weighted sum of a mixture's terms (equations 8 to 10) as a scalar.

    `prediction`, `truth`: Nx1xHxW in one depth space; `span`: the width of that space's range,
    which scales SSIM's constants; `mask`: Nx1xHxW, true where the truth is known. Where no
    pixel is known the loss is 0. `ratio`, `slope` and `slopes` are of positive spaces (normal and
    inverse).
    """
    mask = torch.ones_like(truth, dtype=torch.bool) if mask is None else mask
    terms = {
        "l1": lambda: l1(prediction, truth, mask),
        "berhu": lambda: berhu(prediction, truth, mask),
        "ssim": lambda: ssim_loss(prediction, truth, mask, span=span),
        "edge": lambda: edge(prediction, truth, mask),
        "ratio": lambda: ratio(prediction, truth, mask),
        "slope": lambda: edge(_logarithm(prediction), _logarithm(truth), mask),
        "slopes": lambda: slopes(prediction, truth, mask),
    }
    weights = {name: getattr(mixture, name) for name in terms}
    weighted = [weight * terms[name]() for name, weight in weights.items() if weight]
    return torch.stack(weighted).sum()


def l1(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error over the known pixels (equation 4)."""
    return masked_mean((prediction - truth).abs(), mask)


def berhu(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Reversed Huber loss over the known pixels (equation 5).

    Linear up to c and quadratic above; c is 20 % of the largest known error in the batch, and
    no gradient flows through it.
    """
    error = (prediction - truth).abs() * mask
    c = (BERHU_SHARE * error.detach().amax()).clamp_min(torch.finfo(error.dtype).tiny)
    quadratic = (error * error + c * c) / (2.0 * c)
    return masked_mean(torch.where(error <= c, error, quadratic), mask)


def edge(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of the gradients along x and y (equation 6).

    Gradients are forward differences, zero at the last column and row. A difference counts when
    both of its pixels are known; the mean is over the known pixels, as in the paper.
    """
    error = prediction - truth
    g_x = error.diff(dim=-1).abs() * (mask[..., 1:] & mask[..., :-1])
    g_y = error.diff(dim=-2).abs() * (mask[..., 1:, :] & mask[..., :-1, :])
    return (g_x.sum() + g_y.sum()) / mask.sum().clamp_min(1)


def slopes(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean over `STRIDES` of `edge` of the logarithms, of every so many pixels (not in the paper).

    What is a factor off everywhere has no error.
    """
    pair = _logarithm(prediction), _logarithm(truth), mask
    scales = [edge(*(x[..., ::step, ::step] for x in pair)) for step in STRIDES]
    return torch.stack(scales).mean()


def ratio(prediction: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of the natural logarithm over the known pixels (not in the paper).

    delta1 counts pixels whose ratio to the truth is below 1.25; this is that ratio's logarithm.
    """
    return masked_mean((_logarithm(prediction) - _logarithm(truth)).abs(), mask)


def _logarithm(values: Tensor) -> Tensor:
    return values.clamp_min(SMALLEST_RATIO_INPUT).log()


def ssim_loss(prediction: Tensor, truth: Tensor, mask: Tensor, *, span: float) -> Tensor:
    """(1 - SSIM) / 2, between 0 and 1 (equation 7)."""
    return (1.0 - ssim(prediction, truth, mask, span=span)) / 2.0


def ssim(prediction: Tensor, truth: Tensor, mask: Tensor, *, span: float) -> Tensor:
    """Mean structural similarity (Wang et al. 2004) of Nx1xHxW maps, H and W at least 11.

    Windows lie whole inside the image. Unknown pixels are left out of a window's means and
    variances, and a window counts when its central pixel is known; 1 when none does.
    """
    margin = SSIM_WINDOW // 2
    known = mask.to(prediction.dtype)
    x, y = prediction * known, truth * known
    # Apart, since only the first needs a gradient.
    means = _blur(torch.cat((x, x * x, x * y), dim=1)), _blur(torch.cat((y, y * y), dim=1))
    # On a GPU the question would cost more than the answer: it waits for all that came before.
    if mask.is_cuda or not mask.all():
        share = _blur(known).clamp_min(torch.finfo(known.dtype).tiny)
        means = means[0] / share, means[1] / share
    mean_x, mean_xx, mean_xy = means[0].split(1, dim=1)
    mean_y, mean_yy = means[1].split(1, dim=1)
    variance_x, variance_y = mean_xx - mean_x**2, mean_yy - mean_y**2
    covariance = mean_xy - mean_x * mean_y
    c1, c2 = (SSIM_K1 * span) ** 2, (SSIM_K2 * span) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    centres = mask[..., margin:-margin, margin:-margin]
    return 1.0 - masked_mean(1.0 - similarity, centres)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of `values` where `mask` is true; 0 when it is nowhere."""
    return (values * mask).sum() / mask.sum().clamp_min(1)


def _blur(maps: Tensor) -> Tensor:
    """Gaussian means of NxCxHxW over whole windows, one axis after the other.

    As products with banded matrices: on a CPU several times as fast, with its gradient, as
    convolutions of one channel.
    """
    rows, columns = (_bands(edge, maps.dtype, maps.device) for edge in maps.shape[-2:])
    return rows @ maps @ columns.mT


@lru_cache(maxsize=16)
def _bands(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(length - 10) x length: in each row the window, one further to the right."""
    offsets = torch.arange(SSIM_WINDOW, dtype=dtype) - SSIM_WINDOW // 2
    kernel = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    count = length - SSIM_WINDOW + 1
    # One that was made in inference mode could not take part in learning later.
    with torch.inference_mode(False):
        bands = torch.zeros(count, length, dtype=dtype)
        for place, weight in enumerate((kernel / kernel.sum()).tolist()):
            bands.diagonal(place)[:count] = weight
        return bands.to(device)
