"""Fit what a model gives to measured distances, so that it gives metres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bench.calibration.calibrated import Calibrated, seen_at, values_of
from bench.calibration.cards import (
    RAW,
    as_depth,
    calibrated_card,
    depth_of,
    uncalibrated,
    with_fields,
)
from bench.calibration.distance_error import by_distance, errors_of
from bench.calibration.line_fit import LineFit, fit_line
from bench.calibration.notes import notes_on
from bench.calibration.points import Point
from bench.calibration.samples import CameraOf, Sample, pictures_of, take_samples
from bench.model_card import NOTHING, Asked, describe_model, open_model
from bench.models import Model, names_folder
from depthbench.errors import CheckFailed, InputError
from depthbench.plural import counted
from depthbench.progress import Progress

if TYPE_CHECKING:
    from depthnet.card.depth_model import DepthModel
    from depthnet.card.meaning import Meaning

Parameters = Literal["auto", "scale", "scale-and-shift"]
PARAMETERS: tuple[Parameters, ...] = ("auto", "scale", "scale-and-shift")

ONE_DISTANCE = 1.05
"""Distances whose largest is less than so many times the smallest are one distance."""

SHIFT_FROM, SHIFT_REACH, SHIFT_GAIN = 6, 2.0, 0.9
"""Points from which a model of metres gets a shift, how many times the nearest the farthest must
be, and what the error of points left out must come to, as a share of that without."""


def calibrate_model(
    what: str,
    points: Sequence[Point],
    out: Path,
    asked: Asked = NOTHING,
    *,
    camera_of: CameraOf,
    parameters: Parameters = "auto",
    along_ray: bool = False,
    runtime: str = "onnxruntime",
    threads: int = 1,
    progress: Progress = lambda line: None,
) -> Calibrated:
    """Fit the model `what` (a network's name or an ONNX file) to measured points.

    An earlier calibration on its card counts for nothing. `auto` fits the scale and, where the
    model gives depth up to scale and shift, the shift; to metres a shift only where SHIFT_FROM
    points and more show that it is needed. One point tells the scale. Raises InputError for points
    that do not tell what is to be fitted, and as `open_model`, `describe_model` and
    `take_samples` do.
    """
    from bench.prediction.predictor import Predictor
    from bench.runtimes.registry import load, prepare

    points = list(dict.fromkeys(points))
    _check_points(points)
    if names_folder(what):
        raise InputError(f"{what}: a folder", advice="calibrate the model, then compile it")
    source = open_model(what, out, asked, progress=progress)
    described = describe_model(source, asked)
    before = replace(described, card=uncalibrated(described.card))
    raw = replace(before, card=with_fields(before.card, meaning=RAW[before.card.meaning]))
    prepared = prepare(runtime, source, out, threads=threads, progress=progress)
    with load(prepared) as loaded:
        predictor = Predictor(raw, loaded, source.name)
        progress(f"predicting {counted(len(pictures_of(points)), 'picture')}")
        samples = take_samples(
            points,
            lambda image, name: predictor.predict(image, what=name),
            camera_of,
            along_ray=along_ray,
        )
    return fit_samples(source, before, samples, parameters)


def fit_samples(
    model: Model, before: DepthModel, samples: Sequence[Sample], parameters: Parameters = "auto"
) -> Calibrated:
    """Fit what a model gave at measured points; as `calibrate_model`."""
    meaning = before.card.meaning
    inverse = RAW[meaning] == "disparity"
    focal, notes = _one_camera(samples)
    metres = np.array([seen_at(sample, focal) for sample in samples])
    values = values_of(samples)
    if meaning != RAW[meaning] and values.min() <= 0:
        lowest = samples[int(values.argmin())]
        raise CheckFailed(
            f"{lowest.point}: the model gives {lowest.value:g}, which is no {meaning}"
        )
    fit = _fit(values, as_depth(metres, inverse), meaning, parameters)
    kept = fit.kept
    if fit.with_shift:
        _check_distances(metres[kept])
    if fit.scale <= 0:
        raise InputError(
            f"the scale that fits the points is negative: where the model says nearer, they say "
            f"farther, though it is said to give {meaning}",
            advice="check the distances, and what the model gives: --meaning",
        )
    after = calibrated_card(before.card, fit, metres[kept], samples, focal, inverse)
    fitted, left_out = (
        depth_of(after, each) for each in (fit.at(values[kept]), fit.left_out[kept])
    )
    was = None if meaning == RAW[meaning] else as_depth(values[kept], inverse)
    parts = by_distance(metres[kept], fitted, left_out, was, fit, inverse=inverse)
    return Calibrated(
        model=model,
        before=before,
        after=after,
        samples=samples,
        fit=fit,
        inverse=inverse,
        errors=errors_of(metres[kept], fitted, left_out, was),
        parts=parts,
        focal=focal,
        notes=[*notes, *notes_on(samples, fit, meaning, after)],
    )


def _fit(
    values: NDArray[np.float64], target: NDArray[np.float64], meaning: Meaning, asked: Parameters
) -> LineFit:
    metric, inverse = meaning != RAW[meaning], RAW[meaning] == "disparity"
    if asked != "scale" and len(values) > 1:
        _check_distances(as_depth(target, inverse))
    elif asked == "scale-and-shift":
        raise InputError("1 point tells the scale, not the shift", advice="measure a second one")
    if not values.any():
        raise InputError("the model gives 0 at all points, which tells no scale")
    scaled = None
    if asked == "scale" or len(values) == 1 or (asked == "auto" and metric):
        if inverse and values.min() <= 0:
            raise InputError(
                f"the model gives {values.min():g} at a point, of which no scale makes a distance",
                advice="measure two points and more, and --fit scale-and-shift",
            )
        scaled = fit_line(values, target, with_shift=False, relative=inverse)
        reach = float(target.max() / target.min())
        if asked == "scale" or len(values) < SHIFT_FROM or reach < SHIFT_REACH:
            return scaled
    if np.ptp(values) <= 1e-6 * np.abs(values).max():
        raise InputError(
            f"the model gives the same, {values[0]:g}, at all points: they tell no shift",
            advice="measure where it gives something else, or --fit scale",
        )
    shifted = fit_line(values, target, with_shift=True, relative=inverse)
    if scaled is None or _left_out_rms(shifted, target) < SHIFT_GAIN * _left_out_rms(
        scaled, target
    ):
        return shifted
    return scaled


def _left_out_rms(fit: LineFit, target: NDArray[np.float64]) -> float:
    error = (fit.left_out - target)[fit.kept]
    return float(np.sqrt(np.mean(error**2))) if np.isfinite(error).all() else np.inf


def _check_points(points: Sequence[Point]) -> None:
    if not points:
        raise InputError("no point was measured", advice="give --point X,Y=METRES or --points FILE")
    places: dict[Any, Point] = {}
    for point in points:
        place = (point.picture, point.x, point.y, point.right, point.bottom)
        if (other := places.setdefault(place, point)) is not point:
            raise InputError(f"{point.where}: {other.where} says something else of the same place")


def _check_distances(metres: NDArray[np.float64]) -> None:
    """Raise InputError where they are all one distance."""
    if metres.max() < ONE_DISTANCE * metres.min():
        raise InputError(
            f"{metres.size} points at one distance, {metres.mean():.3g} m, tell the scale, not the "
            "shift",
            advice="measure something much nearer or farther, or --fit scale",
        )


def _one_camera(samples: Sequence[Sample]) -> tuple[float | None, list[str]]:
    """The focal length that distances are seen at; None where a picture's is not known."""
    unknown = [sample.point.picture for sample in samples if sample.focal is None]
    known = [sample.focal for sample in samples if sample.focal is not None]
    if not unknown:
        return known[0], []
    if known:
        note = f"the focal length of {unknown[0]} is not known: all pictures are taken as of one"
        return None, [note]
    return None, []
