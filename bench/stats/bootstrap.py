"""Bootstrap confidence intervals of statistics of samples in sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError

RESAMPLES = 1000
TAILS = (2.5, 97.5)  # percent: what lies between them is a 95 % interval
BATCH = 1 << 22  # numbers drawn at a time

Statistics = Callable[[NDArray], NDArray]


def resample(
    sessions: Sequence[Sequence[float]], statistics: Statistics, seed: int = 0
) -> NDArray[np.float64]:
    """Bootstrap: `statistics` of samples drawn with replacement, sessions first, then within each.

    Samples of one session have its state of the device in common, so that as many sessions as
    there are are drawn with replacement, and from each as many samples as the shortest has
    (Davison and Hinkley 1997, section 3.8). `statistics` takes an array with one resample a row,
    and returns one row for each; the result has RESAMPLES rows. Raises InputError when there is
    no sample.
    """
    whole = [np.asarray(session, float) for session in sessions if len(session)]
    if not whole:
        raise InputError("no sample to draw from", advice="take at least one")
    generator = np.random.default_rng(seed)
    length = min(session.size for session in whole)
    rows_at_once = max(1, BATCH // (length * len(whole)))
    found = []
    for start in range(0, RESAMPLES, rows_at_once):
        rows = min(rows_at_once, RESAMPLES - start)
        chosen = generator.integers(0, len(whole), (rows, len(whole)))
        drawn = np.empty((rows, len(whole), length))
        for number, session in enumerate(whole):
            places = chosen == number
            indices = generator.integers(0, session.size, (int(places.sum()), length))
            drawn[places] = session[indices]
        found.append(np.asarray(statistics(drawn.reshape(rows, -1))))
    return np.concatenate(found)


def bounds(resampled: NDArray) -> Any:
    """The 95 % percentile interval of every column of resampled statistics: (low, high)."""
    return np.percentile(resampled, TAILS, axis=0)


def intervals(sessions: Sequence[Sequence[float]], seed: int = 0) -> dict[str, list[float]]:
    """[low, high] of each statistic of `bench.stats.statistics.summarise`, in the samples' unit.

    Of the extremes there are none: a bootstrap cannot see beyond its samples. std and cv are left
    out for a single sample. Raises InputError when there is no sample.
    """
    low, high = bounds(resample(sessions, _statistics, seed))
    several = sum(map(len, sessions)) > 1
    return {
        name: [float(low[place]), float(high[place])]
        for place, name in enumerate(NAMES)
        if several or name not in ("std", "cv")
    }


NAMES = ("p50", "p90", "p99", "mean", "std", "cv", "mad")


def _statistics(rows: NDArray) -> NDArray:
    p50, p90, p99 = np.percentile(rows, (50, 90, 99), axis=1)
    mean = rows.mean(axis=1)
    std = rows.std(axis=1, ddof=1) if rows.shape[1] > 1 else np.zeros_like(mean)
    mad = np.median(np.abs(rows - p50[:, None]), axis=1)
    return np.stack([p50, p90, p99, mean, std, std / mean, mad], axis=1)
