"""Depth known up to scale, or scale and shift, fitted to the truth before it is scored."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthnet.scoring.space import Space

Alignment = Literal["none", "median", "scale and shift"]


def align(
    prediction: NDArray,
    truth: NDArray,
    mask: NDArray,
    how: Alignment,
    space: Space = "depth",
    far: float = float("inf"),
) -> tuple[NDArray, float]:
    """Fit `prediction`, of `space`, to `truth`, over the pixels of `mask`; all HxW.

    Returns the fitted depth and the scale that was found; `truth` and that depth are in metres.
    `median`: the predicted depth times the ratio of the
    medians (Zhou et al. 2017, section 4.2). `scale and shift`: s and t that minimise, over the
    pixels, the sum of (s prediction + t - 1 / truth)^2 of a disparity (Ranftl et al. 2020, section
    5), or of (s prediction + t - truth)^2 of a depth. A fitted disparity below 1 / `far`, at which
    depth would exceed `far` or turn negative, becomes 1 / `far`. Raises ValueError when no pixel
    counts, or one that does is not positive where the median is taken.
    """
    if how == "none":
        return prediction if space == "depth" else _depth(prediction, far), 1.0
    predicted = prediction[mask].astype(np.float64)
    true = truth[mask].astype(np.float64)
    if not true.size:
        raise ValueError("no valid pixel to align with")
    if how == "scale and shift":
        scale, shift = fit_line(predicted, true if space == "depth" else 1 / true)
        fitted = scale * prediction.astype(np.float64) + shift
        return fitted if space == "depth" else _depth(fitted, far), scale
    if not (predicted > 0).all():
        raise ValueError("the prediction has values that are not positive")
    if space == "disparity":
        predicted, prediction = 1 / predicted, _depth(prediction, float("inf"))
    ratio = np.float64(np.median(true) / np.median(predicted))
    return prediction * ratio, float(ratio)


def _depth(disparity: NDArray, far: float) -> NDArray:
    least = max(1 / far, float(np.finfo(np.float32).tiny))
    return 1 / np.maximum(disparity.astype(np.float64), least)


def fit_line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line y over x; slope 0 when x is constant."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    # What rounding leaves of a constant is no slope.
    if spread <= x.size * (np.finfo(np.float32).eps * float(np.abs(x).max())) ** 2:
        return 0.0, float(y.mean())
    slope = float(centred @ (y - y.mean())) / spread
    return slope, float(y.mean() - slope * x.mean())
