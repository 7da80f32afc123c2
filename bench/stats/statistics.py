"""The statistics of a list of times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from depthbench.errors import InputError


class Summary(TypedDict):
    """Statistics of `count` samples; all in the samples' unit but for cv, a ratio."""

    p50: float
    p90: float
    p99: float
    mean: float
    std: float | None
    cv: float | None
    mad: float
    min: float
    max: float
    count: int


def summarise(samples_ms: Sequence[float]) -> Summary:
    """Summarise samples in milliseconds: percentiles, mean, spread, extremes.

    Percentiles interpolate linearly between the closest ranks (type 7 of Hyndman and Fan 1996,
    NumPy's default). `std` is the sample standard deviation (ddof 1) and `cv` its ratio to the
    mean; both are None for a single sample. `mad` is the median absolute deviation from the
    median, not scaled. Raises InputError when there is no sample, or one is not positive and
    finite.
    """
    samples = np.asarray(samples_ms, dtype=np.float64)
    if samples.size == 0:
        raise InputError("no sample to summarise", advice="take at least one")
    if not (np.isfinite(samples).all() and samples.min() > 0):
        raise InputError("a sample is not a positive finite time", advice="measure again")
    p50, p90, p99 = (float(p) for p in np.percentile(samples, (50, 90, 99)))
    mean = float(samples.mean())
    std = float(samples.std(ddof=1)) if samples.size > 1 else None
    return Summary(
        p50=p50,
        p90=p90,
        p99=p99,
        mean=mean,
        std=std,
        cv=None if std is None else std / mean,
        mad=float(np.median(np.abs(samples - p50))),
        min=float(samples.min()),
        max=float(samples.max()),
        count=int(samples.size),
    )
