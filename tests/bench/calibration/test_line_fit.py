"""The fit: any scale and shift come back, as numpy and scipy have them; outliers are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from bench.calibration.distance_error import by_distance, errors_of
from bench.calibration.line_fit import fit_line

seeds = st.integers(0, 2**32 - 1)


def noisy(seed: int, count: int, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.uniform(1, 5, count)
    return x, (1.3 * x + 0.4) * (1 + noise * random.uniform(-1, 1, count))


@given(
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(0, 1e3),
    seed=seeds,
    count=st.integers(2, 12),
    with_shift=st.booleans(),
)
def test_any_scale_and_shift_are_recovered(
    scale: float, shift: float, seed: int, count: int, with_shift: bool
) -> None:
    x = np.random.default_rng(seed).permutation(np.linspace(1, 7, count))
    y = scale * x + shift * with_shift
    fit = fit_line(x, y, with_shift=with_shift)
    assert fit.kept.all()
    np.testing.assert_allclose(fit.at(x), y, rtol=1e-9)
    assert fit.scale == pytest.approx(scale, rel=1e-6, abs=1e-9 * (scale + shift))
    assert fit.shift == pytest.approx(shift * with_shift, rel=1e-6, abs=1e-8 * (scale + shift))


@given(seed=seeds, count=st.integers(3, 15))
def test_a_line_is_that_of_scipy_with_its_intervals(seed: int, count: int) -> None:
    x, y = noisy(seed, count)
    fit = fit_line(x, y, with_shift=True)
    theirs = stats.linregress(x, y)
    assert (fit.scale, fit.shift) == pytest.approx((theirs.slope, theirs.intercept), rel=1e-7)
    intervals = fit.intervals()
    assert intervals
    half = stats.t.ppf(0.975, count - 2) * np.array([theirs.stderr, theirs.intercept_stderr])
    for (low, high), value, width in zip(intervals, (fit.scale, fit.shift), half, strict=True):
        assert (low, high) == pytest.approx((value - width, value + width), rel=1e-6, abs=1e-9)


@given(seed=seeds, count=st.integers(2, 15))
def test_a_scale_alone_is_the_closed_form(seed: int, count: int) -> None:
    x, y = noisy(seed, count)
    fit = fit_line(x, y, with_shift=False)
    used = fit.kept
    assert fit.scale == pytest.approx(float(x[used] @ y[used] / (x[used] @ x[used])))
    assert fit.shift == 0


def of_scipy(x: np.ndarray, y: np.ndarray, with_shift: bool, relative: bool) -> np.ndarray:
    """Scale and shift by a general method, from where the line is flat."""

    def off(parameters: np.ndarray) -> np.ndarray:
        line = parameters[0] * x + sum(parameters[1:])
        return np.log(np.maximum(line, 1e-9) / y) if relative else line - y

    start = [0.0, float(np.median(y))] if with_shift else [float(np.median(y / x))]
    found = optimize.least_squares(off, start, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return np.array([*found.x, 0.0][:2])


@settings(max_examples=40)
@given(seed=seeds, count=st.integers(3, 9), with_shift=st.booleans(), relative=st.booleans())
def test_points_left_out_are_told_by_a_fit_of_the_others(
    seed: int, count: int, with_shift: bool, relative: bool
) -> None:
    x, y = noisy(seed, count, noise=0.3)
    fit = fit_line(x, y, with_shift=with_shift, relative=relative)
    used = fit.kept
    whole = of_scipy(x[used], y[used], with_shift, relative)
    np.testing.assert_allclose(fit.at(x), whole[0] * x + whole[1], rtol=1e-4)
    for index in np.flatnonzero(used):
        others = used & (np.arange(count) != index)
        scale, shift = of_scipy(x[others], y[others], with_shift, relative)
        assert fit.left_out[index] == pytest.approx(scale * x[index] + shift, rel=1e-3)


@settings(max_examples=40)
@given(seed=seeds, count=st.integers(2, 8))
def test_a_relative_line_is_no_worse_than_scipys_and_positive(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.uniform(-1, 1, count), np.exp(random.normal(0, 1.5, count))
    fit = fit_line(x, y, with_shift=True, relative=True)
    x, y = x[fit.kept], y[fit.kept]
    scale, shift = of_scipy(x, y, True, True)
    theirs = np.log(np.maximum(scale * x + shift, 1e-9) / y)
    assert fit.at(x).min() > 0
    assert np.sum(np.log(fit.at(x) / y) ** 2) <= np.sum(theirs**2) + 1e-6


def test_a_relative_scale_is_the_geometric_mean() -> None:
    x, y = noisy(0, 7, noise=0.3)
    fit = fit_line(x, y, with_shift=False, relative=True)
    assert fit.scale == pytest.approx(stats.gmean(y / x))


@pytest.mark.parametrize("factor", [0.7, 1.5])
@pytest.mark.parametrize("relative", [False, True])
def test_what_a_network_is_off_by_is_no_outlier(factor: float, relative: bool) -> None:
    x = np.linspace(1, 5, 5)
    for wrong in range(5):
        y = 1.3 * x + 0.4
        y[wrong] *= factor
        assert fit_line(x, y, with_shift=True, relative=relative).kept.all()


@given(
    seed=seeds,
    count=st.integers(5, 20),
    wrong=st.integers(0, 4),
    factor=st.sampled_from([0.3, 0.5, 2.0, 5.0]),
    with_shift=st.booleans(),
)
def test_one_wrong_point_of_five_is_left_out(
    seed: int, count: int, wrong: int, factor: float, with_shift: bool
) -> None:
    random = np.random.default_rng(seed)
    x = random.permutation(np.linspace(1, 5, count))
    y = 1.3 * x + 0.4 * with_shift
    right = y.copy()
    y[wrong] *= factor
    fit = fit_line(x, y, with_shift=with_shift)
    assert np.flatnonzero(~fit.kept).tolist() == [wrong]
    np.testing.assert_allclose(fit.at(x), right, rtol=1e-9)


def test_as_many_points_as_parameters_tell_no_error() -> None:
    two = np.array([1.0, 2.0])
    fit = fit_line(two, 3 * two + 1, with_shift=True)
    assert np.isnan(fit.left_out).all()
    assert fit.intervals() is None
    assert fit.prediction_half_width(1.5) is None
    one = fit_line(two[:1], two[:1], with_shift=False)
    assert np.isnan(one.left_out).all()
    assert one.intervals() is None


def test_a_further_point_is_within_the_interval_in_95_percent_of_cases() -> None:
    random = np.random.default_rng(0)
    x = np.linspace(1, 4, 4)
    inside = []
    for _ in range(2000):
        fit = fit_line(x, 2 * x + 1 + random.normal(0, 0.1, 4), with_shift=True)
        further = 2 * 3.3 + 1 + random.normal(0, 0.1)
        half = fit.prediction_half_width(3.3)
        assert half
        inside.append(abs(further - fit.at(np.array(3.3))) <= half)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


@given(seed=seeds, inverse=st.booleans(), count=st.integers(3, 12))
def test_exact_points_have_no_error_at_any_distance(seed: int, inverse: bool, count: int) -> None:
    metres = np.random.default_rng(seed).permutation(np.linspace(0.5, 8, count))
    target = 1 / metres if inverse else metres
    fit = fit_line((target - 0.03) / 0.7, target, with_shift=True)
    fitted = fit.at((target - 0.03) / 0.7)
    fitted, left_out = (1 / each if inverse else each for each in (fitted, fit.left_out))
    parts = by_distance(metres, fitted, left_out, None, fit, inverse=inverse)
    assert [part.name for part in parts] == ["near", "mid", "far"]
    assert sum(part.errors.points for part in parts) == count
    assert parts[0].to_m <= parts[1].from_m
    for part in parts:
        assert part.errors.mae_m == pytest.approx(0, abs=1e-9)
        assert part.errors.left_out_mae_m == pytest.approx(0, abs=1e-6)
        assert part.within_m == pytest.approx(0, abs=1e-6)
        assert part.errors.before_mae_m is None


def test_errors_are_means_in_metres_and_of_the_distance() -> None:
    measured, fitted = np.array([1.0, 2.0]), np.array([1.1, 1.6])
    found = errors_of(measured, fitted, np.array([1.5, np.nan]), np.array([2.0, 4.0]))
    assert (found.mae_m, found.rel) == pytest.approx((0.25, 0.15))
    assert (found.left_out_mae_m, found.left_out_rel) == pytest.approx((0.5, 0.5))
    assert found.before_mae_m == pytest.approx(1.5)
