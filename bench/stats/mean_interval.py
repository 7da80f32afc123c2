"""How far the mean of a sample may be from that of all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

CONFIDENCE = 0.95


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean of independent values, by Student's t; None of fewer than two.

    Of the images of a test set it says how much another sample of images would have moved the
    score, not how two networks differ on the same ones.
    """
    from scipy.stats import t

    sample = np.asarray(values, float)
    if sample.size < 2 or not np.isfinite(sample).all():
        return None
    half = t.ppf((1 + CONFIDENCE) / 2, sample.size - 1) * sample.std(ddof=1)
    half /= math.sqrt(sample.size)
    return float(sample.mean() - half), float(sample.mean() + half)
