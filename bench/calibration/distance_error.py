"""The error of a calibration by distance: near, mid and far, and of points that were left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.calibration.line_fit import LineFit

PARTS = ("near", "mid", "far")
Metres = NDArray[np.float64]


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors: in metres, and as a share of the distance; None where none is known.

    `mae_m`, `rel` are of the points as they were fitted, `left_out_mae_m`, `left_out_rel` of each
    by a fit of the others, `before_mae_m` of the model as it was, where it gave metres.
    """

    points: int
    mae_m: float
    rel: float
    left_out_mae_m: float | None
    left_out_rel: float | None
    before_mae_m: float | None


@dataclass(frozen=True)
class Part:
    """The errors of points from `from_m` to `to_m`; a further point there is off by `within_m`.

    That is half the 95 % prediction interval at their mean distance; None where no point is left
    to tell.
    """

    name: str
    from_m: float
    to_m: float
    errors: Errors
    within_m: float | None

    def to_dict(self) -> dict[str, Any]:
        """As a record has it."""
        return {**asdict(self.errors), "name": self.name, "from_m": self.from_m} | {
            "to_m": self.to_m,
            "within_m": self.within_m,
        }


def errors_of(
    measured: Metres, fitted: Metres, left_out: Metres, before: Metres | None = None
) -> Errors:
    """The errors of N points, all in metres; NaN of `left_out` are left out of its means."""
    error = np.abs(fitted - measured)
    known = np.isfinite(left_out)
    outside = np.abs(left_out - measured)[known]
    return Errors(
        points=measured.size,
        mae_m=float(error.mean()),
        rel=float((error / measured).mean()),
        left_out_mae_m=float(outside.mean()) if known.any() else None,
        left_out_rel=float((outside / measured[known]).mean()) if known.any() else None,
        before_mae_m=None if before is None else float(np.abs(before - measured).mean()),
    )


def by_distance(
    measured: Metres,
    fitted: Metres,
    left_out: Metres,
    before: Metres | None,
    fit: LineFit,
    *,
    inverse: bool,
) -> list[Part]:
    """The errors of a third of the points each, the nearest first; empty below three points.

    `fit` is of 1 / metres where `inverse`.
    """
    if measured.size < len(PARTS):
        return []
    order = np.argsort(measured, kind="stable")
    parts = []
    for name, chosen in zip(PARTS, np.array_split(order, len(PARTS)), strict=True):
        distances = measured[chosen]
        parts.append(
            Part(
                name=name,
                from_m=float(distances.min()),
                to_m=float(distances.max()),
                errors=errors_of(
                    distances,
                    fitted[chosen],
                    left_out[chosen],
                    None if before is None else before[chosen],
                ),
                within_m=_within(fit, float(distances.mean()), inverse),
            )
        )
    return parts


def _within(fit: LineFit, distance: float, inverse: bool) -> float | None:
    target = 1 / distance if inverse else distance
    half = fit.prediction_half_width((target - fit.shift) / fit.scale)
    if half is None:
        return None
    return half * distance**2 if inverse else half
