"""Median scaling and least squares in disparity, against closed forms and numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthnet.scoring import protocols
from depthnet.scoring.alignment import align, fit_line

SHAPE = (480, 640)


def depth(seed: int = 0, near: float = 0.8, far: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(near, far, SHAPE).astype(np.float32)


@given(st.floats(0.05, 20), st.floats(0.0, 2.0))
def test_any_affine_function_of_the_true_disparity_is_perfect(scale: float, shift: float) -> None:
    truth = depth()[:60, :80]
    mask = np.ones_like(truth, dtype=bool)
    disparity = (scale / truth + shift).astype(np.float32)
    fitted, _ = align(disparity, truth, mask, "scale and shift", "disparity", 10.0)
    assert np.allclose(fitted, truth, rtol=2e-3)


@given(st.floats(0.05, 20), st.floats(-5.0, 5.0))
def test_any_affine_function_of_the_true_depth_is_perfect(scale: float, shift: float) -> None:
    truth = depth()[:60, :80]
    mask = np.ones_like(truth, dtype=bool)
    relative = (scale * truth + shift).astype(np.float32)
    fitted, _ = align(relative, truth, mask, "scale and shift", "depth", 10.0)
    assert np.allclose(fitted, truth, rtol=2e-3)


def test_aligned_scores_an_affine_disparity_perfectly() -> None:
    truth = depth()
    disparity = 0.3 / truth + 0.2
    scores = protocols.get("aligned").score(disparity, truth, "disparity")
    assert scores["rmse"] < 1e-4
    assert scores["delta1"] == 1
    assert protocols.get("eigen").score(1 / disparity, truth)["delta1"] < 0.5


def test_aligned_scores_a_relative_depth_by_the_line_that_numpy_fits() -> None:
    truth, relative = depth(), depth(1) - 3.0
    eigen = protocols.get("eigen")
    mask = eigen.mask(truth)
    scale, shift = np.polyfit(relative[mask], truth[mask], 1)
    expected = eigen.score(np.clip(scale * relative + shift, 1e-3, 10).astype(np.float32), truth)
    scores = protocols.get("aligned").score(relative, truth, "depth")
    assert scores == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("a", [1.0, 0.37])
def test_the_median_scales_a_disparity_as_it_does_its_depth(a: float) -> None:
    truth, prediction = depth(), depth(1)
    scores = protocols.get("median").score(a / prediction, truth, "disparity")
    assert scores == pytest.approx(protocols.get("median").score(prediction, truth), rel=1e-5)


def test_median_scores_a_scaled_depth_perfectly() -> None:
    truth = depth()
    scores = protocols.get("median").score(0.37 * truth, truth)
    assert scores["rmse"] < 1e-5
    # Scaling cannot undo a shift.
    assert protocols.get("median").score(truth + 2, truth)["rmse"] > 0.1


def test_the_line_is_numpys() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random(500), rng.random(500)
    assert fit_line(x, y) == pytest.approx(tuple(np.polyfit(x, y, 1)))


def test_a_constant_prediction_becomes_the_mean_disparity() -> None:
    truth = depth()[:9, :9]
    fitted, scale = align(
        np.full_like(truth, 3), truth, np.ones_like(truth, bool), "scale and shift", "disparity", 10
    )
    assert np.allclose(fitted, 1 / np.mean(1 / truth.astype(np.float64)))
    assert scale == 0


@pytest.mark.parametrize("name", ["aligned", "median"])
def test_only_pixels_that_count_are_fitted(name: str) -> None:
    truth, prediction = depth(), 2 * depth()
    truth[:100, :300] = 0.0
    prediction[:100, :300] = 77.0
    prediction[:45] = prediction[471:] = prediction[:, :41] = prediction[:, 601:] = 77.0
    assert protocols.get(name).score(prediction, truth)["rmse"] < 1e-4


def test_a_disparity_that_turns_negative_is_the_cap() -> None:
    truth = np.array([[1.0, 1.0, 9.9, 9.9]], np.float32)
    disparity = np.array([[1.0, 1.0, 0.5, 1e-9]], np.float32)
    mask = np.array([[True, True, True, False]])
    fitted, _ = align(disparity, truth, mask, "scale and shift", "disparity", 10.0)
    assert fitted[0, 3] == 10.0


@pytest.mark.parametrize("how", ["median", "scale and shift"])
def test_nothing_to_fit_to_is_refused(how: str) -> None:
    truth = depth()[:4, :4]
    with pytest.raises(ValueError, match="no valid pixel"):
        align(truth, truth, np.zeros_like(truth, bool), how)  # type: ignore[arg-type]
