"""The depth metrics of the field for one image: RMSE, MAE, REL, log10, delta1 to delta3."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

THRESHOLD = 1.25


class Scores(TypedDict):
    """Metrics over the valid pixels of one image, or their mean over images."""

    rmse: float
    mae: float
    rel: float
    log10: float
    delta1: float
    delta2: float
    delta3: float


NAMES: tuple[str, ...] = tuple(Scores.__annotations__)


def score(prediction: NDArray, truth: NDArray, mask: NDArray | None = None) -> Scores:
    """Score a prediction against the truth (paper, equations 1 to 3).

    `prediction` and `truth`: metres, the same shape; `mask`: the pixels that count, by default
    those of positive finite truth. RMSE and MAE are in metres; REL is the mean of |error| /
    truth; delta k is the share of pixels, 0 to 1, whose ratio to the truth (the larger over the
    smaller) is below 1.25^k. Raises ValueError when no pixel counts, when shapes differ, or
    when a prediction that counts is not positive and finite.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction {prediction.shape} and truth {truth.shape} differ in shape")
    valid = np.isfinite(truth) & (truth > 0)
    if mask is not None:
        valid &= mask
    if not valid.any():
        raise ValueError("no valid pixel to score")
    predicted = prediction[valid].astype(np.float64)
    true = truth[valid].astype(np.float64)
    if not np.isfinite(predicted).all() or predicted.min() <= 0:
        raise ValueError("the prediction has values that are not positive and finite")
    error = predicted - true
    ratio = np.maximum(predicted / true, true / predicted)
    delta1, delta2, delta3 = (float((ratio < THRESHOLD**k).mean()) for k in (1, 2, 3))
    return Scores(
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        rel=float(np.mean(np.abs(error) / true)),
        log10=float(np.mean(np.abs(np.log10(predicted / true)))),
        delta1=delta1,
        delta2=delta2,
        delta3=delta3,
    )
