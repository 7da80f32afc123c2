"""Regression test: whether a run is slower than past runs, beyond what those vary by.

Two rules, either of which flags a run. FAI-PEP's needs no assumption, but cannot see a slow-down
that is smaller than what the samples of one run vary by. The prediction interval sees it, from
how much the medians of past runs vary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from depthbench.errors import InputError
from depthbench.plural import counted

LEAST_RUNS = 5
MOST_RUNS = 20
"""Of a longer history the last runs count: devices age."""

MARGIN = 0.1
FALSE_ALARMS = 0.005


@dataclass(frozen=True)
class Run:
    """The median and the 90th percentile of a run's samples, in one unit."""

    p50: float
    p90: float


@dataclass(frozen=True)
class Regression:
    """What a run was held to: `limits` by rule, and the rules that it `broke`.

    `ratio` is that of its median to the median of past medians, `runs` how many those are.
    """

    ratio: float
    runs: int
    limits: dict[str, float]
    broke: tuple[str, ...]


def compare_with_history(past: Sequence[Run], run: Run) -> Regression:
    """Hold `run` to the last MOST_RUNS of `past`, oldest first.

    Raises InputError for fewer than LEAST_RUNS past runs, or a time that is not positive.
    """
    if len(past) < LEAST_RUNS:
        raise InputError(
            f"{counted(len(past), 'past run')}, but at least {LEAST_RUNS} are needed to compare"
        )
    times = [time for each in (*past, run) for time in (each.p50, each.p90)]
    if not all(math.isfinite(time) and time > 0 for time in times):
        raise InputError("a run's time is not positive and finite", advice="measure again")
    past = past[-MOST_RUNS:]
    medians = [each.p50 for each in past]
    limits = {
        "FAI-PEP": fai_pep_limit([each.p90 for each in past]),
        "prediction interval": prediction_limit(medians),
    }
    broke = tuple(name for name, limit in limits.items() if run.p50 > limit)
    return Regression(run.p50 / float(np.median(medians)), len(past), limits, broke)


def fai_pep_limit(past_p90: Sequence[float]) -> float:
    """The largest p50 that is no regression by FAI-PEP's rule (Facebook AI performance platform).

    The 90th percentile of the past runs' p90, and a tenth of the range of those more.
    """
    return float(np.percentile(past_p90, 90) + MARGIN * np.ptp(past_p90))


def prediction_limit(past_p50: Sequence[float], false_alarms: float = FALSE_ALARMS) -> float:
    """The one-sided upper prediction limit of the next median, with 1 - `false_alarms`.

    Of log-normal medians (Hahn and Meeker 1991, section 4.8). Needs at least two.
    """
    from scipy.stats import t

    logarithms = np.log(past_p50)
    count = logarithms.size
    width = t.ppf(1 - false_alarms, count - 1) * logarithms.std(ddof=1) * math.sqrt(1 + 1 / count)
    return float(np.exp(logarithms.mean() + width))
