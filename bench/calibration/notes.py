"""What a person should know of measured points, and of what they tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.calibration.cards import RAW, depth_of
from bench.calibration.line_fit import ROBUST_FROM, LineFit
from bench.calibration.samples import Sample, pictures_of
from depthbench.plural import counted
from depthnet.card.card import Card
from depthnet.card.meaning import Meaning

EDGE = 0.2
"""A point lies on an edge where depth around it spreads by more than this share of it."""


def notes_on(samples: Sequence[Sample], fit: LineFit, meaning: Meaning, after: Card) -> list[str]:
    """A line each, for points that were fitted with `after` as the result."""
    notes = []
    count, pictures = len(samples), len(pictures_of([sample.point for sample in samples]))
    for sample, kept in zip(samples, fit.kept, strict=True):
        found = fit.at(np.array([sample.least, sample.value, sample.most]))
        least, middle, most = map(float, depth_of(after, found))
        spread = abs(most - least) / middle
        if spread > EDGE:
            notes.append(
                f"{sample.point} lies on an edge: depth around it differs by {spread:.0%}; take a "
                "point within a surface"
            )
        if not kept:
            notes.append(
                f"{sample.point} was left out: it was measured as {sample.metres:.3g} m, and the "
                f"others say {middle:.3g} m"
            )
    if int(fit.kept.sum()) == fit.parameters:
        what = "scale and shift" if fit.with_shift else "scale"
        told = counted(count, "point tells", "points tell")
        notes.append(
            f"{told} the {what} and nothing of the error: "
            f"measure more (from {ROBUST_FROM} on a wrong one is found)"
        )
    intervals = fit.intervals()
    if intervals and intervals[0][0] <= 0:
        notes.append(
            "the points hardly tell the scale: its interval holds 0; measure nearer and farther "
            "ones"
        )
    if meaning == RAW[meaning]:
        if not fit.with_shift:
            notes.append("the shift is not fitted: what the model gives is taken as it is")
        if pictures == 1:
            notes.append(
                f"a model of {meaning} depth may have another scale and shift in every picture, "
                "and one was measured: the calibration holds for views like it"
            )
    return notes
