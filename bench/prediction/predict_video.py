"""Predict every frame of a video or a camera, in colours that are the same for all of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice, takewhile
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.prediction.camera import Camera
from bench.prediction.colour_scale import QUANTITIES, ColourScale, scale_for
from bench.prediction.output_folder import OutputFolder
from bench.prediction.predictor import Predictor
from bench.prediction.recording import Recording
from bench.prediction.sources import Source
from bench.prediction.video_file import USUAL_RATE, Frame, VideoFile
from bench.prediction.wanted import Wanted
from depthbench.errors import DeviceError, InputError
from depthbench.progress import Progress

SAMPLED = 16
"""Frames that the range of the colours is taken from."""

OnFrame = Callable[[int, int | None, float | None], None]
"""Is told how many frames are done, of how many (None: nobody knows), and how many a second."""

Item = TypeVar("Item")


class Predicted(NamedTuple):
    """A frame, its depth, and when that was there (seconds of a clock that begins anywhere)."""

    frame: Frame
    depth: NDArray[np.float32]
    done_s: float


@dataclass(frozen=True)
class Recorded:
    """What became of a video or camera; `stopped` is what ended it early, and is to be raised."""

    document: dict[str, Any]
    stopped: BaseException | None = None


class VideoPrediction:
    """Predicts videos and cameras frame by frame, as `wanted`, into files of `output`.

    `seconds`: after how many of its own time a source is left.
    """

    def __init__(
        self,
        predictor: Predictor,
        wanted: Wanted,
        output: OutputFolder,
        seconds: float | None = None,
        on_frame: OnFrame = lambda count, total, rate: None,
        progress: Progress = lambda line: None,
    ) -> None:
        self._predictor, self._wanted, self._output = predictor, wanted, output
        self._seconds, self._on_frame, self._progress = seconds, on_frame, progress
        self._quantity = QUANTITIES[predictor.meaning]

    def predict(self, source: Source) -> Recorded:
        """Predict all frames; the video of them is whole or not there.

        What a camera gave is kept when it ends by Ctrl-C or is lost. Raises InputError for a video
        that cannot be read or has no frames, ToolMissing without PyAV, DeviceError where the
        camera is not there, or refuses, and what `Predictor.predict` raises.
        """
        if source.kind == "camera":
            with Camera(source.number) as camera:
                pairs = self._pairs(source, camera.frames())
                scale = self._asked_scale()
                if scale is None:
                    first = list(islice(pairs, SAMPLED))
                    scale, pairs = self._scale_of(first), chain(first, pairs)
                return self._record(source, pairs, scale, USUAL_RATE, None)
        video = VideoFile(source.path)
        scale, total = self._asked_scale(), None
        if scale is None:
            self._progress(f"{source.name}: looking for the range of its depths")
            sample, total = spread_sample(self._in_time(video.frames()), SAMPLED)
            if not total:
                raise _empty(source)
            scale = self._scale_of(self._pairs(source, sample))
        pairs = self._pairs(source, video.frames())
        recorded = self._record(source, pairs, scale, video.rate, total)
        if video.damage:
            recorded.document["notes"].append(video.damage)
        return recorded

    def _record(
        self,
        source: Source,
        pairs: Iterable[Predicted],
        scale: ColourScale,
        rate: Fraction,
        total: int | None,
    ) -> Recorded:
        name = self._output.name_for(source.stem, source.identity)
        formats = self._wanted.formats_for(source.kind, self._predictor.meaning)
        recording = Recording(name, formats, self._wanted, self._output, scale, rate)
        stopped: BaseException | None = None
        with recording:
            try:
                for one in pairs:
                    recording.add(*one)
                    self._on_frame(recording.count, total, recording.frames_per_second)
            except (KeyboardInterrupt, DeviceError) as error:
                if source.kind != "camera" or not recording.count:
                    raise
                stopped = error
            if not recording.count:
                raise _empty(source)
            recording.kept = True
        size = recording.size or (1, 1)
        focal = self._predictor.focal_note(size, self._wanted.camera_asked_for(size))
        document = {
            "input": source.name,
            "kind": source.kind,
            "size": list(recording.size or ()),
            **self._predictor.describe(),
            "unit": self._quantity.unit,
            "near": scale.near,
            "far": scale.far,
            "intrinsics": recording.camera.to_dict() if recording.camera else None,
            "frames": recording.count,
            "frames_per_second": recording.mean_frames_per_second,
            "files": recording.files,
            "notes": [*recording.notes, *filter(None, [focal])],
        }
        self._output.add(source.identity, document)
        return Recorded(document, stopped)

    def _pairs(self, source: Source, frames: Iterable[Frame]) -> Iterator[Predicted]:
        for frame in self._in_time(frames):
            what = f"the prediction for {source.name} at {frame.time_s:.2f} s"
            camera = self._wanted.camera_asked_for(frame.image.shape[:2])
            depth = self._predictor.predict(
                frame.image, flip=self._wanted.flip, camera=camera, what=what
            )
            yield Predicted(frame, depth, time.perf_counter())

    def _in_time(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        if self._seconds is None:
            return iter(frames)
        limit_s = self._seconds
        return takewhile(lambda frame: frame.time_s < limit_s, frames)

    def _asked_scale(self) -> ColourScale | None:
        """The scale, where both of its ends are asked for."""
        near, far = self._wanted.near, self._wanted.far
        if near is None or far is None:
            return None
        return ColourScale(near, far, self._quantity, self._wanted.colours)

    def _scale_of(self, sample: Iterable[Predicted]) -> ColourScale:
        wanted = self._wanted
        depths = [one.depth for one in sample]
        return scale_for(
            depths, self._quantity, near=wanted.near, far=wanted.far, colours=wanted.colours
        )


def _empty(source: Source) -> InputError:
    return InputError(f"{source.name}: no frame of it can be read")


def spread_sample(items: Iterable[Item], count: int) -> tuple[list[Item], int]:
    """Items evenly spread over all, at least half of `count` where there are so many, and the last.

    Also gives how many there are in all, which need not be known before: no more than `count` are
    held at a time, and when there are, every second one goes.
    """
    kept: list[Item] = []
    last: list[Item] = []
    step, total = 1, 0
    for total, item in enumerate(items, 1):
        last = [item]
        if (total - 1) % step:
            continue
        if len(kept) == count:
            kept = kept[::2]
            step *= 2
        if (total - 1) % step == 0:
            kept.append(item)
            last = []
    return kept + last, total
