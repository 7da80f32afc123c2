"""The schema of records of depth without a data set: calibrations, and flicker over videos."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from bench.records.record_base import Open, Record


class DistanceErrors(Open):
    """Mean absolute errors of measured points; null where none is known."""

    points: int
    mae_m: float = Field(description="Metres, of the points as they were fitted.")
    rel: float = Field(description="The same as a share of the distance.")
    left_out_mae_m: float | None = Field(description="Of each point by a fit of the others.")
    left_out_rel: float | None = Field(description="The same as a share of the distance.")
    before_mae_m: float | None = Field(description="Before, where the model gave metres.")


class DistancePart(DistanceErrors):
    """A third of the points, by distance."""

    name: Literal["near", "mid", "far"]
    from_m: float
    to_m: float
    within_m: float | None = Field(description="Half the 95 % interval of a further point.")


class MeasuredPoint(Open):
    """A measured distance, along the camera's axis, and what the calibrated model gives there."""

    picture: str
    x: float
    y: float
    right: float | None
    bottom: float | None
    metres: float
    fitted_m: float
    left_out_m: float | None = Field(description="By a fit of the other points.")
    used: bool = Field(description="Whether it was fitted, or left out as an outlier.")


class Calibration(Record, DistanceErrors):
    """Scale and shift of a model, fitted to measured distances."""

    kind: Literal["calibration"]
    card: dict[str, Any] = Field(description="The card that was found.")
    fitted: Literal["scale", "scale and shift"]
    scale: float = Field(description="Of what the model gave by its card before.")
    shift: float = Field(description="In metres, or 1 / metres for a model of the inverse.")
    scale_interval: list[float] | None = Field(description="95 %; null where nothing tells.")
    shift_interval: list[float] | None
    pictures: int
    focal: float | None = Field(
        description="Geometric mean of focal lengths over that of width and height, in pixels."
    )
    by_distance: list[DistancePart] = Field(description="The nearest first; empty for few points.")
    measured: list[MeasuredPoint]
    notes: list[str]


class FlickerPair(Open):
    """A frame and the one before it; fields as of the record."""

    time_s: float = Field(description="Of the second; of a folder its number.")
    change: float | None
    aligned: float
    scale: float | None = Field(description="The median of after / before; null without metres.")
    visible: float


class Flicker(Record):
    """What the depth of a video changes by from frame to frame, beyond the motion."""

    kind: Literal["flicker"]
    runtime: str
    card: dict[str, Any] | None = Field(None, description="How the model is used.")
    data: str = Field(description="The video's or folder's name.")
    data_sha256: str | None = Field(None, description="Of the video.")
    flow: str = Field(description="What told the motion.")
    share_of: Literal["depth", "spread"] = Field(
        description="What changes are a share of: depth, or the spread of a frame's depth from its "
        "5th to its 95th percentile where the model knows no metres."
    )
    frames_per_second: float | None
    size: list[int] = Field(description="Height and width of the frames.")
    frames: int
    pairs: int = Field(description="Of frames that were compared.")
    cuts: int = Field(description="Where another scene begins; nothing is compared across.")
    gaps: int = Field(description="Where frames lack; nothing is compared across.")
    visible: float = Field(description="Share of pixels that were seen in both, mean over pairs.")
    flicker: float = Field(description="Mean of the change of pairs, aligned without metres.")
    flicker_p95: float = Field(description="95th percentile over pairs.")
    worst_s: float = Field(description="Time of the second frame of the pair that changed most.")
    aligned: float = Field(description="Mean change after each pair was aligned.")
    scale_change: float | None = Field(description="Mean |ln scale| of pairs; null without metres.")
    deviation: float | None = Field(
        description="Of what stands still: standard deviation over time by the mean, over pixels."
    )
    damage: str = Field(description="What was wrong with the video; empty for nothing.")
    per_pair: list[FlickerPair]
