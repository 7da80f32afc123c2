"""Metrics against closed forms, invariances, and FastDepth's published prediction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthnet.scoring.metrics import score

depths = arrays(np.float64, (6, 5), elements=st.floats(0.1, 10))


def test_a_constant_offset_has_closed_form_scores() -> None:
    truth = np.full((4, 4), 2.0)
    scores = score(truth + 0.5, truth)
    assert scores["rmse"] == pytest.approx(0.5)
    assert scores["mae"] == pytest.approx(0.5)
    assert scores["rel"] == pytest.approx(0.25)
    assert scores["log10"] == pytest.approx(np.log10(1.25))
    # The ratio is exactly 1.25, and delta1 asks for less.
    assert (scores["delta1"], scores["delta2"]) == (0.0, 1.0)


@given(depths)
def test_a_perfect_prediction_scores_perfectly(truth: np.ndarray) -> None:
    scores = score(truth, truth)
    assert scores["rmse"] == scores["mae"] == scores["rel"] == scores["log10"] == 0
    assert scores["delta1"] == scores["delta2"] == scores["delta3"] == 1


@given(depths, depths)
def test_orderings_that_hold_for_any_prediction(prediction: np.ndarray, truth: np.ndarray) -> None:
    scores = score(prediction, truth)
    assert scores["mae"] <= scores["rmse"] + 1e-12
    assert scores["delta1"] <= scores["delta2"] <= scores["delta3"]


@given(depths, depths)
def test_delta_and_log10_are_symmetric(prediction: np.ndarray, truth: np.ndarray) -> None:
    forward, backward = score(prediction, truth), score(truth, prediction)
    for name in ("delta1", "delta2", "delta3", "log10"):
        assert forward[name] == pytest.approx(backward[name])


@given(depths, depths, arrays(np.bool_, (6, 5)))
def test_masked_pixels_never_count(a: np.ndarray, b: np.ndarray, mask: np.ndarray) -> None:
    mask[0, 0] = True
    changed = np.where(mask, a, 7.0)
    assert score(a, b, mask) == score(changed, b, mask)


@pytest.mark.parametrize("hole", [0.0, np.nan, np.inf, -1.0])
def test_invalid_truth_is_masked_not_averaged(hole: float) -> None:
    truth = np.full((3, 3), 2.0)
    truth[1, 1] = hole
    assert score(np.full((3, 3), 2.0), truth)["rmse"] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_a_prediction_that_is_no_depth_is_refused(bad: float) -> None:
    prediction = np.full((3, 3), 2.0)
    prediction[0, 0] = bad
    with pytest.raises(ValueError, match="positive and finite"):
        score(prediction, np.full((3, 3), 2.0))


def test_nothing_to_score_is_refused() -> None:
    with pytest.raises(ValueError, match="no valid pixel"):
        score(np.ones((2, 2)), np.zeros((2, 2)))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        score(np.ones((2, 2)), np.ones((2, 3)))


def test_fastdepths_published_prediction_scores_as_published(shared_data: Path) -> None:
    folder = shared_data / "nyu_fastdepth_sample" / "deploy" / "data"
    prediction = np.load(folder / "pred.npy")[0, 0]
    scores = score(prediction, np.load(folder / "depth.npy"))
    assert scores["rmse"] == pytest.approx(0.6180, abs=5e-5)
    assert scores["delta1"] == pytest.approx(0.7773, abs=5e-5)
