"""Predict a video frame by frame and measure how its depth flickers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from bench.accuracy.evaluate import describe_run
from bench.flicker.consistency import OverTime, PairError, compare
from bench.flicker.flow import DenseFlow, no_motion
from bench.flicker.frames import FrameSource, compared_size, is_cut, shrink
from bench.models import Model
from bench.prediction.predictor import Predictor
from bench.prediction.video_file import Frame
from bench.records.record import Record, new_record
from bench.runtimes.base import Runtime
from compile.listed_files import sha256_of
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.plural import counted
from depthnet.scoring.protocols import resize

if TYPE_CHECKING:
    from depthnet.card.depth_model import DepthModel

WORST = 95
"""The percentile over pairs that is told beside the mean."""

OnFrame = Callable[[int], None]
"""Is told how many frames are done."""


@dataclass
class _Found:
    """What was found so far: pairs with the time of their second frame, and what was left out."""

    frames: int = 0
    cuts: int = 0
    gaps: int = 0
    pairs: list[tuple[float, PairError]] = field(default_factory=list)
    scenes: list[OverTime] = field(default_factory=list)
    size: tuple[int, ...] = ()


def measure_flicker(
    model: Model,
    depth_model: DepthModel,
    runtime: Runtime,
    path: Path,
    *,
    static: bool = False,
    limit: int | None = None,
    on_frame: OnFrame = lambda count: None,
) -> Record:
    """Measure the flicker of `model` on the video or folder of frames at `path`; see protocols.md.

    `static`: neither camera nor scene moves, so that no flow is needed. `limit`: of how many
    frames at most. Raises InputError for what is no video, has less than two frames of a scene, or
    gives nothing to compare; ToolMissing without OpenCV or PyAV; CheckFailed for a prediction that
    is not finite, or metres that are not positive.
    """
    source = FrameSource(path)
    flow = None if static else DenseFlow()
    predictor = Predictor(depth_model, runtime, model.name)
    found = _follow(source, predictor, flow, limit, on_frame)
    if found.frames < 2:
        raise InputError(f"{path}: {counted(found.frames, 'frame')}: flicker is between two")
    if not found.pairs:
        raise InputError(
            f"{path}: nothing to compare in {counted(found.frames, 'frame')}: "
            f"{counted(found.cuts, 'cut')}, {counted(found.gaps, 'gap')}, and the rest is flat or "
            "moves too far",
            advice="give a video of one scene",
        )
    errors = [error for _, error in found.pairs]
    metric = predictor.metric
    scored = np.array([error.change if metric else error.aligned for error in errors], float)
    worst = int(scored.argmax())
    scales = [abs(float(np.log(error.scale))) for error in errors if error.scale]
    return new_record(
        "flicker",
        {
            **describe_run(model, runtime),
            "card": depth_model.card.said(),
            "data": path.resolve().name,
            "data_sha256": sha256_of(path) if path.is_file() else None,
            "flow": flow.name if flow else "none: nothing moves",
            "share_of": "depth" if metric else "spread",
            "frames_per_second": source.rate,
            "size": list(found.size),
            "frames": found.frames,
            "pairs": len(errors),
            "cuts": found.cuts,
            "gaps": found.gaps,
            "visible": float(np.mean([error.visible for error in errors])),
            "flicker": float(scored.mean()),
            "flicker_p95": float(np.percentile(scored, WORST)),
            "worst_s": found.pairs[worst][0],
            "aligned": float(np.mean([error.aligned for error in errors])),
            "scale_change": float(np.mean(scales)) if scales else None,
            "deviation": _deviation(found.scenes) if static else None,
            "damage": source.damage,
            "per_pair": [
                {"time_s": time_s, "change": error.change, "aligned": error.aligned}
                | {"scale": error.scale, "visible": error.visible}
                for time_s, error in found.pairs
            ],
        },
    )


def _follow(
    source: FrameSource,
    predictor: Predictor,
    flow: DenseFlow | None,
    limit: int | None,
    on_frame: OnFrame,
) -> _Found:
    found = _Found()
    last: tuple[Frame, NDArray[np.float32]] | None = None
    for frame in islice(source.frames(), limit):
        cancellation.check()
        size = compared_size(frame.image.shape)
        what = f"the prediction for {source.path} at {frame.time_s:.2f} s"
        depth = resize(predictor.predict(frame.image, what=what), size, Resampling.BILINEAR)
        now = Frame(shrink(frame.image, size), frame.time_s)
        found.frames += 1
        found.size = frame.image.shape[:2]
        if last is None or not _compare(source, found, last, (now, depth), flow, predictor.metric):
            found.scenes.append(OverTime(metric=predictor.metric))
        if flow is None:
            found.scenes[-1].add(depth)
        last = now, depth
        on_frame(found.frames)
    return found


def _compare(
    source: FrameSource,
    found: _Found,
    last: tuple[Frame, NDArray[np.float32]],
    now: tuple[Frame, NDArray[np.float32]],
    flow: DenseFlow | None,
    metric: bool,
) -> bool:
    """Compare two frames, and say whether they are of one scene."""
    (before, depth_before), (after, depth_after) = last, now
    if before.image.shape != after.image.shape:
        found.cuts += 1
        return False
    if source.lacks_between(before, after):
        found.gaps += 1
        return True
    motion = flow.between(before.image, after.image) if flow else no_motion(depth_after.shape)
    if is_cut(before.image, after.image, float(motion.visible.mean()) if flow else None):
        found.cuts += 1
        return False
    if error := compare(depth_before, depth_after, motion, metric=metric):
        found.pairs.append((after.time_s, error))
    return True


def _deviation(scenes: list[OverTime]) -> float | None:
    """Of all scenes, each as long as it lasts."""
    known = [(scene.deviation(), scene.count) for scene in scenes]
    told = [(value, count) for value, count in known if value is not None]
    if not told:
        return None
    return float(np.average([value for value, _ in told], weights=[count for _, count in told]))
