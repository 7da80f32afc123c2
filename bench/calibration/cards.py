"""The card of a model before its calibration, and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.calibration.line_fit import LineFit
from bench.calibration.samples import Sample, pictures_of
from depthnet.card.card import CALIBRATED, Card, parse
from depthnet.card.meaning import Meaning

NEARER, FARTHER, FARTHER_INVERSE = 10.0, 10.0, 2.0
"""How many times nearer than the nearest point, and farther than the farthest, depth may become.

The inverse of a line makes any distance of a number that is a little off.
"""

RAW: dict[Meaning, Meaning] = {
    **{"metres": "relative", "inverse-metres": "disparity"},
    **{"relative": "relative", "disparity": "disparity"},
}
"""What a model's output is called while its scale is not believed."""


def with_fields(card: Card, **changes: Any) -> Card:
    """The card with other fields, as JSON has them."""
    return parse({**card.said(), **changes}, "the calibrated card")


def uncalibrated(card: Card) -> Card:
    """The card as it was before its calibration."""
    found = card.calibration
    if found is None:
        return card
    said = {key: value for key, value in card.said().items() if key not in ("calibration", "clip")}
    return parse({**said, **{name: getattr(found, name) for name in CALIBRATED}}, "card")


def calibrated_card(
    card: Card,
    fit: LineFit,
    metres: NDArray[np.float64],
    samples: Sequence[Sample],
    focal: float | None,
    inverse: bool,
) -> Card:
    """The card with what was fitted to `samples`, of which those kept are `metres` away."""
    nearest, farthest = float(metres.min()), float(metres.max())
    limits = (nearest / NEARER, farthest * (FARTHER_INVERSE if inverse else FARTHER))
    used = [sample.point for sample, kept in zip(samples, fit.kept, strict=True) if kept]
    shifted = fit.with_shift or card.meaning == RAW[card.meaning]
    changes: dict[str, Any] = {
        "meaning": "inverse-metres" if inverse else "metres",
        "scale": fit.scale * card.scale,
        "shift": fit.scale * card.shift + fit.shift,
        "calibration": {
            "points": len(used),
            "pictures": len(pictures_of(used)),
            "nearest_m": nearest,
            "farthest_m": farthest,
            **({} if focal is None else {"focal": focal}),
            **{"meaning": card.meaning, "scale": card.scale, "shift": card.shift},
        },
    }
    if shifted:
        changes["clip"] = [1 / limits[1], 1 / limits[0]] if inverse else list(limits)
    return with_fields(card, **changes)


def as_depth(target: NDArray[np.float64], inverse: bool) -> NDArray[np.float64]:
    """Metres of what is fitted, or the other way round."""
    return 1 / target if inverse else target


def depth_of(card: Card, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The metres of fitted values, clipped as the card does."""
    clipped = target if card.clip is None else np.clip(target, *card.clip)
    return as_depth(clipped, card.meaning == "inverse-metres")
