"""Depth known up to scale, or scale and shift, fitted to the truth before it is scored."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Alignment = Literal["none", "median", "disparity"]


def align(
    prediction: NDArray, truth: NDArray, mask: NDArray, how: Alignment, far: float
) -> NDArray:
    """Fit `prediction` to `truth` over the pixels of `mask`; all HxW, depths in metres.

    `median`: the prediction times the ratio of the medians (Zhou et al. 2017, section 4.2).
    `disparity`: scale s and shift t that minimise the sum of (s / prediction + t - 1 / truth)^2
    (Ranftl et al. 2020, section 5); a fitted disparity below 1 / `far`, at which depth would
    exceed `far` or turn negative, becomes 1 / `far`. Raises ValueError when no pixel counts or
    one that does is not positive.
    """
    if how == "none":
        return prediction
    predicted = prediction[mask].astype(np.float64)
    true = truth[mask].astype(np.float64)
    if not true.size:
        raise ValueError("no valid pixel to align with")
    if not (predicted > 0).all():
        raise ValueError("the prediction has values that are not positive")
    if how == "median":
        return prediction * np.float64(np.median(true) / np.median(predicted))
    scale, shift = fit_line(1 / predicted, 1 / true)
    return 1 / np.maximum(scale / prediction.astype(np.float64) + shift, 1 / far)


def fit_line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line y over x; slope 0 when x is constant."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    # What rounding leaves of a constant is no slope.
    if spread <= x.size * (np.finfo(np.float32).eps * float(np.abs(x).max())) ** 2:
        return 0.0, float(y.mean())
    slope = float(centred @ (y - y.mean())) / spread
    return slope, float(y.mean() - slope * x.mean())
