"""Ratios of medians, with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TypedDict

import numpy as np

from bench.stats.bootstrap import bounds, resample

RESAMPLES = 2000


class Ratio(TypedDict):
    """A ratio of medians and its 95 % confidence interval."""

    ratio: float
    low: float
    high: float


def paired_ratio(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Ratio:
    """The ratio of the medians of two series that were taken in turns, with its 95 % interval.

    The rounds of both are drawn again together, since a noisy round is noisy for both, and in
    blocks of neighbours, since noise lasts: the circular block bootstrap (Politis and Romano
    1992) with blocks of about the cube root of the number of rounds (Hall, Horowitz and Jing
    1995). The same series give the same interval, by `seed`. Raises ValueError unless both have
    the same number of rounds, at least one.
    """
    pairs = np.array([ours, theirs], float) if len(ours) == len(theirs) else np.empty((2, 0))
    rounds = pairs.shape[1]
    if not rounds:
        raise ValueError(
            f"{len(ours)} and {len(theirs)} rounds: take as many of both, at least one"
        )
    block = ceil(rounds ** (1 / 3))
    starts = np.random.default_rng(seed).integers(0, rounds, (RESAMPLES, ceil(rounds / block)))
    drawn = (starts[:, :, None] + np.arange(block)) % rounds
    medians = np.median(pairs[:, drawn.reshape(RESAMPLES, -1)[:, :rounds]], axis=2)
    low, high = bounds(medians[0] / medians[1])
    whole = np.median(pairs, axis=1)
    return Ratio(ratio=float(whole[0] / whole[1]), low=float(low), high=float(high))


def unpaired_ratio(
    ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], seed: int = 0
) -> Ratio:
    """The ratio of the medians of two sets of separate sessions, with its 95 % interval.

    For rounds that were taken in turns, `paired_ratio` is narrower.
    """
    medians = [
        resample(sessions, lambda rows: np.median(rows, axis=1), seed + place)
        for place, sessions in enumerate((ours, theirs))
    ]
    low, high = bounds(medians[0] / medians[1])
    a, b = (np.median(np.concatenate([np.asarray(s) for s in each])) for each in (ours, theirs))
    return Ratio(ratio=float(a / b), low=float(low), high=float(high))
