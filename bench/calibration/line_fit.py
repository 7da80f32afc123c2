"""Scale and shift by least squares, without the points that no line through most of them meets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROBUST_FROM = 5
"""Points from which one may be left out."""

OUTLYING, LEAST_OUTLYING = 3.5, 0.1
"""Of an outlier: times the usual deviation, and as a share of the value, by which it is off."""

NORMAL = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

CONFIDENCE = 0.95
LEAST_REST = 1e-9
"""Of 1 - leverage: below it the other points do not tell the line."""


@dataclass(frozen=True)
class LineFit:
    """`scale` x + `shift`, fitted to the points that are `kept` (N booleans).

    `covariance` is of scale and shift, or of the scale alone; `variance` that of a point of weight
    1 around the line. Both are None where no point is left to tell.
    """

    scale: float
    shift: float
    with_shift: bool
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

    def prediction_half_width(self, x: float, weight: float = 1.0) -> float | None:
        """What a further point at `x` is off the line by at most, in 95 % of cases."""
        if self.covariance is None or self.variance is None:
            return None
        row = np.array([x, 1.0])[: self.parameters]
        return float(
            self._quantile() * np.sqrt(self.variance / weight**2 + row @ self.covariance @ row)
        )

    def _quantile(self) -> float:
        from scipy.stats import t

        freedom = int(self.kept.sum()) - self.parameters
        return float(t.ppf((1 + CONFIDENCE) / 2, freedom))


def fit_line(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    with_shift: bool,
    weights: NDArray[np.float64] | None = None,
) -> LineFit:
    """Fit y = scale x + shift, or y = scale x, to N points by least squares.

    The residual of each is multiplied by its weight, by default 1. From ROBUST_FROM points on,
    those are left out that are off the line of Theil and Sen (of the median ratio, without a
    shift) by more than OUTLYING times the usual deviation, and by more than a tenth of their
    value. `y` is above 0; the values of `x` differ, or without a shift are not all 0.
    """
    kept = np.ones(x.size, dtype=bool)
    if x.size >= ROBUST_FROM:
        off = np.abs(y - _robust_line(x, y, with_shift))
        usual = NORMAL * float(np.median(off))
        inliers = (off <= OUTLYING * usual) | (off <= LEAST_OUTLYING * y)
        kept = inliers if not with_shift or np.ptp(x[inliers]) > 0 else kept
    design = np.stack([x, np.ones_like(x)], axis=1)[:, : 1 + with_shift]
    weight = np.ones_like(x) if weights is None else weights
    used, wanted = design[kept] * weight[kept, None], (y * weight)[kept]
    found, *_ = np.linalg.lstsq(used, wanted)
    at_all = design @ found
    residuals = wanted - used @ found
    orthogonal, triangular = np.linalg.qr(used)
    freedom = len(used) - used.shape[1]
    variance = float(residuals @ residuals) / freedom if freedom else None
    # A point's residual without it is its residual over 1 - its leverage.
    rest = 1 - np.einsum("ij,ij->i", orthogonal, orthogonal)
    outside = np.full_like(rest, np.nan)
    np.divide(residuals / weight[kept], rest, out=outside, where=rest > LEAST_REST)
    at_all[kept] = y[kept] - outside
    inverse = np.linalg.inv(triangular)
    return LineFit(
        scale=float(found[0]),
        shift=float(found[1]) if with_shift else 0.0,
        with_shift=with_shift,
        kept=kept,
        left_out=at_all,
        variance=variance,
        covariance=None if variance is None else variance * inverse @ inverse.T,
    )


def _robust_line(
    x: NDArray[np.float64], y: NDArray[np.float64], with_shift: bool
) -> NDArray[np.float64]:
    from scipy.stats import theilslopes

    if with_shift:
        slope = float(theilslopes(y, x).slope)
        return slope * x + float(np.median(y - slope * x))
    there = x != 0
    return float(np.median(y[there] / x[there])) * x
