"""What a calibration found, and the record of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.calibration.cards import depth_of
from bench.calibration.distance_error import Errors, Part
from bench.calibration.line_fit import LineFit
from bench.calibration.samples import Sample, pictures_of
from bench.models import Model
from bench.records.record import Record, new_record

if TYPE_CHECKING:
    from depthnet.card.card import Card
    from depthnet.card.depth_model import DepthModel


@dataclass(frozen=True)
class Calibrated:
    """A model with the card that was found for it.

    `model` is as it was opened, `before` and `after` are how it was and is to be used; `fit` is of
    what it gave `before` to the distances of `samples`, or one over them where `inverse`.
    """

    model: Model
    before: DepthModel
    after: Card
    samples: Sequence[Sample]
    fit: LineFit
    inverse: bool
    errors: Errors
    parts: Sequence[Part]
    focal: float | None
    notes: list[str]

    def record(self) -> Record:
        """The record of it."""
        fit, kept = self.fit, self.fit.kept
        intervals = fit.intervals() or []
        fitted = depth_of(self.after, fit.at(values_of(self.samples)))
        left_out = depth_of(self.after, fit.left_out)
        seen = [sample.metres / seen_at(sample, self.focal) for sample in self.samples]
        points = [
            {
                **{"picture": str(sample.point.picture), "x": sample.point.x, "y": sample.point.y},
                **{"right": sample.point.right, "bottom": sample.point.bottom},
                **{"metres": sample.metres, "fitted_m": float(fitted[index] * seen[index])},
                "left_out_m": _or_none(left_out[index] * seen[index]),
                "used": bool(kept[index]),
            }
            for index, sample in enumerate(self.samples)
        ]
        return new_record(
            "calibration",
            {
                "model": self.model.name,
                "model_sha256": self.model.sha256,
                "model_file": self.model.own_file,
                "card": self.after.said(),
                "fitted": "scale and shift" if fit.with_shift else "scale",
                "scale": fit.scale,
                "shift": fit.shift,
                "scale_interval": list(intervals[0]) if intervals else None,
                "shift_interval": list(intervals[1]) if len(intervals) > 1 else None,
                "pictures": len(pictures_of([sample.point for sample in self.samples])),
                "focal": self.focal,
                **asdict(self.errors),
                "by_distance": [part.to_dict() for part in self.parts],
                "measured": points,
                "notes": self.notes,
            },
        )


def seen_at(sample: Sample, focal: float | None) -> float:
    """The distance at which a camera of `focal` would see the same picture."""
    return sample.metres if focal is None else sample.metres * focal / (sample.focal or focal)


def values_of(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """What the model gives at the points."""
    return np.array([sample.value for sample in samples], dtype=np.float64)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
