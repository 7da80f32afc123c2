"""Scale and shift by least squares, without the points that no line through most of them meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROBUST_FROM = 5
"""Points from which one may be left out."""

OUTLYING, LEAST_OUTLYING = 3.5, 1.8
"""Of an outlier: times the usual deviation, and the factor, by which it is off."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

CONFIDENCE = 0.95
LEAST_REST = 1e-9
"""Of 1 - leverage: below it the other points do not tell the line."""

SMALLEST = 1e-12
"""Of a line by a value: what is below has no logarithm."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LineFit:
    """`scale` x + `shift`, fitted to the points that are `kept` (N booleans).

    `covariance` is of scale and shift, or of the scale alone; `variance` that of a point around the
    line, of a `relative` fit as a share of its value. Both are None where no point is left to tell.
    """

    scale: float
    shift: float
    with_shift: bool
    relative: bool
    kept: NDArray[np.bool_]
    left_out: NDArray[np.float64]
    """What the fit without each point gives at that point; NaN where the others do not tell."""

    variance: float | None
    covariance: NDArray[np.float64] | None

    @property
    def parameters(self) -> int:
        """How many were fitted."""
        return 1 + self.with_shift

    def at(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The line's values."""
        return self.scale * x + self.shift

    def intervals(self) -> list[tuple[float, float]] | None:
        """95 % confidence intervals of scale and, where it was fitted, shift; None without."""
        if self.covariance is None:
            return None
        half = self._quantile() * np.sqrt(np.diag(self.covariance))
        values = np.array([self.scale, self.shift])[: self.parameters]
        return [(float(a), float(b)) for a, b in zip(values - half, values + half, strict=True)]

    def prediction_half_width(self, x: float) -> float | None:
        """What a further point at `x` is off the line by at most, in 95 % of cases."""
        if self.covariance is None or self.variance is None:
            return None
        row = np.array([x, 1.0])[: self.parameters]
        unit = self.scale * x + self.shift if self.relative else 1.0
        return float(
            self._quantile() * np.sqrt(self.variance * unit**2 + row @ self.covariance @ row)
        )

    def _quantile(self) -> float:
        from scipy.stats import t

        freedom = int(self.kept.sum()) - self.parameters
        return float(t.ppf((1 + CONFIDENCE) / 2, freedom))


def fit_line(x: Array, y: Array, *, with_shift: bool, relative: bool = False) -> LineFit:
    """Fit y = scale x + shift, or y = scale x, to N points by least squares.

    What is squared is what a point is off by, or the logarithm of the line's ratio to it where
    `relative`. From ROBUST_FROM points on, those are left out that are off the line of Theil and
    Sen (of the median ratio, without a shift) by more than OUTLYING times the usual logarithm of
    that ratio, and by more than a factor of LEAST_OUTLYING. `y` is above 0; the values of `x`
    differ, or without a shift are not all 0, and above 0 where that is `relative`.
    """
    kept = _without_outliers(x, y, with_shift)
    design = np.stack([x, np.ones_like(x)], axis=1)[:, : 1 + with_shift]
    used, wanted = design[kept], y[kept]
    found = _solve(used, wanted, relative)
    rows = used / (used @ found)[:, None] if relative else used
    residuals = np.log(wanted / (used @ found)) if relative else wanted - used @ found
    orthogonal, triangular = np.linalg.qr(rows)
    freedom = len(used) - used.shape[1]
    variance = float(residuals @ residuals) / freedom if freedom else None
    rest = 1 - np.einsum("ij,ij->i", orthogonal, orthogonal)
    left_out = design @ found
    left_out[kept] = [
        used[place] @ _solve(np.delete(used, place, 0), np.delete(wanted, place), relative)
        if share > LEAST_REST
        else np.nan
        for place, share in enumerate(rest)
    ]
    inverse = np.linalg.inv(triangular)
    return LineFit(
        scale=float(found[0]),
        shift=float(found[1]) if with_shift else 0.0,
        with_shift=with_shift,
        relative=relative,
        kept=kept,
        left_out=left_out,
        variance=variance,
        covariance=None if variance is None else variance * inverse @ inverse.T,
    )


def _without_outliers(x: Array, y: Array, with_shift: bool) -> NDArray[np.bool_]:
    everything = np.ones(x.size, dtype=bool)
    if x.size < ROBUST_FROM:
        return everything
    line = _robust_line(x, y, with_shift)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(line > 0, np.abs(np.log(line / y)), np.inf)
    usual = NORMAL * float(np.median(off))
    inliers = (off <= OUTLYING * usual) | (off <= np.log(LEAST_OUTLYING))
    return inliers if not with_shift or np.ptp(x[inliers]) > 0 else everything


def _solve(design: Array, y: Array, relative: bool) -> Array:
    """The parameters by least squares, of logarithms by the method of Levenberg and Marquardt."""
    if not relative:
        return np.asarray(np.linalg.lstsq(design, y)[0], dtype=np.float64)
    from scipy.optimize import least_squares

    start = np.linalg.lstsq(design / y[:, None], np.ones_like(y))[0]
    if (design @ start).min() <= 0:  # one that is above 0: flat, or the mean of the ratios
        start = np.zeros_like(start)
        start[-1] = np.exp(np.mean(np.log(y / design[:, -1])))

    def line(parameters: Array) -> Array:
        return np.maximum(design @ parameters, SMALLEST * y)

    found: Array = least_squares(
        lambda parameters: np.log(line(parameters) / y),
        start,
        lambda parameters: design / line(parameters)[:, None],
        method="lm",
    ).x
    return found


def _robust_line(x: Array, y: Array, with_shift: bool) -> Array:
    from scipy.stats import theilslopes

    if with_shift:
        slope = float(theilslopes(y, x).slope)
        return slope * x + float(np.median(y - slope * x))
    there = x != 0
    return float(np.median(y[there] / x[there])) * x
