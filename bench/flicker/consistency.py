"""How well the depth of a frame agrees with that of the frame before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.flicker.flow import Motion, warp
from depthnet.scoring.alignment import fit_line

Depth = NDArray[np.float32]
SPREAD = (5, 95)
"""Percentiles whose difference is what errors of depth up to scale and shift are a share of."""


@dataclass(frozen=True)
class PairError:
    """What depth changes by from one frame to the next, over the pixels seen in both.

    `change`: the mean of |after - before| / after; None where the model knows no metres. `aligned`:
    the same when `before` is first multiplied by `scale`, the median of after / before; or, of a
    model without metres, when scale and shift are fitted first, as a share of the spread of
    `after`. `visible`: the share of pixels that was seen in both.
    """

    aligned: float
    visible: float
    change: float | None = None
    scale: float | None = None


def compare(before: Depth, after: Depth, motion: Motion, *, metric: bool) -> PairError | None:
    """The error of two maps, HxW, of consecutive frames; None where too little is seen to tell.

    `metric`: whether they are metres, above 0.
    """
    seen = motion.visible
    visible = float(seen.mean())
    moved = warp(before, motion.flow)[seen].astype(np.float64)
    now = after[seen].astype(np.float64)
    if now.size < 2:
        return None
    if metric:
        scale = float(np.median(now / moved))
        return PairError(
            aligned=_share(scale * moved, now),
            visible=visible,
            change=_share(moved, now),
            scale=scale,
        )
    slope, intercept = fit_line(moved, now)
    low, high = np.percentile(now, SPREAD)
    if high <= low:
        return None
    error = np.abs(slope * moved + intercept - now).mean()
    return PairError(aligned=float(error / (high - low)), visible=visible)


def _share(moved: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    return float(np.mean(np.abs(now - moved) / now))


class OverTime:
    """The standard deviation over time of every pixel of maps that are added one by one."""

    def __init__(self, *, metric: bool) -> None:
        self.count = 0
        self._metric = metric
        self._first: NDArray[np.float64] | None = None
        self._mean: NDArray[np.float64] | None = None
        self._squares: NDArray[np.float64] | None = None

    def add(self, depth: Depth) -> None:
        """Add a map, HxW; one without metres is fitted to the first by scale and shift."""
        values = depth.astype(np.float64)
        if self._first is None or self._mean is None or self._squares is None:
            self._first, self._mean = values, np.zeros_like(values)
            self._squares = np.zeros_like(values)
        elif not self._metric:
            slope, intercept = fit_line(values.ravel(), self._first.ravel())
            values = slope * values + intercept
        self.count += 1
        away = values - self._mean
        self._mean += away / self.count
        self._squares += away * (values - self._mean)

    def deviation(self) -> float | None:
        """The mean over pixels of standard deviation by mean, or by the first map's spread."""
        if self.count < 2 or self._mean is None or self._squares is None or self._first is None:
            return None
        deviation = np.sqrt(self._squares / self.count)
        if self._metric:
            return float(np.mean(deviation / self._mean))
        low, high = np.percentile(self._first, SPREAD)
        return float(deviation.mean() / (high - low)) if high > low else None
