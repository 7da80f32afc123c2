"""Invalid truth that counts, against the direct formula."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depthnet.scoring.fastdepth_metrics import score_either_mask
from depthnet.scoring.metrics import score


def test_invalid_truth_counts_as_zero_metres() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 5, (40, 50))
    truth[rng.random(truth.shape) < 0.2] = 0
    prediction = rng.uniform(1, 5, truth.shape)
    with np.errstate(divide="ignore"):
        ratio = np.maximum(prediction / truth, truth / prediction)
    scores = score_either_mask(prediction, truth)
    assert scores["rmse"] == pytest.approx(np.sqrt(np.mean((prediction - truth) ** 2)))
    assert scores["mae"] == pytest.approx(np.mean(np.abs(prediction - truth)))
    assert scores["delta2"] == pytest.approx(np.mean(ratio < 1.25**2))
    assert math.isinf(scores["rel"])
    assert scores["delta1"] < score(prediction, truth)["delta1"]
