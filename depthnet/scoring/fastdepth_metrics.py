"""Scores as FastDepth's public code computes them, where invalid truth counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthnet.scoring.metrics import Scores, score


def score_either_mask(prediction: NDArray, truth: NDArray) -> Scores:
    """Score the pixels where prediction or truth is positive; both HxW metres, the former > 0.

    The code masks with `(truth > 0) + (prediction > 0)`, an "or" where "and" was meant: a pixel
    of unknown truth counts as one whose depth is 0 m. Its error is the prediction itself, and
    its ratio to the truth is infinite, so it lowers every delta and makes REL and log10
    infinite. Where all truth is valid this is `metrics.score`. Raises ValueError as that does.
    """
    valid = np.isfinite(truth) & (truth > 0)
    right = score(prediction, truth)
    invented = prediction[~valid].astype(np.float64)
    if not invented.size:
        return right
    share = valid.mean()
    return Scores(
        rmse=float(np.sqrt(share * right["rmse"] ** 2 + np.sum(invented**2) / valid.size)),
        mae=float(share * right["mae"] + np.sum(np.abs(invented)) / valid.size),
        rel=float("inf"),
        log10=float("inf"),
        delta1=float(share * right["delta1"]),
        delta2=float(share * right["delta2"]),
        delta3=float(share * right["delta3"]),
    )
