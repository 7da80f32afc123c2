"""Predict all that a user names, one after another; what cannot be read does not stop the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.prediction.output_folder import OutputFolder
from bench.prediction.predict_picture import predict_picture
from bench.prediction.predict_video import VideoPrediction
from bench.prediction.predictor import Predictor
from bench.prediction.sources import Source
from bench.prediction.wanted import Wanted
from depthbench import cancellation
from depthbench.errors import CheckFailed, DepthbenchError, InputError
from depthbench.progress import Progress
from depthnet.data.photo import read_photo


@dataclass
class Done:
    """A document for every source that was predicted, and for each that could not be, why.

    `stopped` is what ended the work before its time, and is to be raised when all is told.
    """

    documents: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    stopped: BaseException | None = None


class Prediction:
    """Predicts sources with `predictor` as `wanted`, into `output`.

    `seconds`: as of `VideoPrediction`. `progress` is told which source, or frame, is at hand.
    """

    def __init__(
        self,
        predictor: Predictor,
        wanted: Wanted,
        output: OutputFolder,
        seconds: float | None = None,
        progress: Progress = lambda line: None,
    ) -> None:
        self._predictor, self._wanted, self._output = predictor, wanted, output
        self._seconds, self._progress = seconds, progress

    def predict(self, sources: Sequence[Source]) -> Done:
        """Predict one source after another.

        What is wrong with one of several is noted and the rest goes on; what ends all of them, an
        unfit model, a lost device, a full disk or Ctrl-C, is returned beside what was done before.
        """
        done = Done()
        for number, source in enumerate(sources, 1):
            try:
                cancellation.check()
                self._progress(f"predicting {source.name}, {number} of {len(sources)}")
                if source.kind == "picture":
                    self._predict_picture(source, done)
                else:
                    self._predict_video(source, done)
            except (DepthbenchError, OSError, KeyboardInterrupt) as error:
                done.stopped = error
            if done.stopped:
                break
        return done

    def _predict_picture(self, source: Source, done: Done) -> None:
        try:
            photo = read_photo(source.path)
            camera = self._wanted.camera_of(photo, source.name, self._predictor.meaning)
        except InputError as error:
            done.failed.append(_failure(source, error))
            return
        try:
            document = predict_picture(
                source, photo, camera, self._predictor, self._wanted, self._output
            )
        except CheckFailed as error:
            done.failed.append(_failure(source, error))
            return
        done.documents.append(document)

    def _predict_video(self, source: Source, done: Done) -> None:
        def on_frame(count: int, total: int | None, rate: float | None) -> None:
            of = f" of {total}" if total else ""
            a_second = f", {rate:.1f} a second" if rate else ""
            self._progress(f"{source.name}: frame {count}{of}{a_second}")

        video = VideoPrediction(
            self._predictor, self._wanted, self._output, self._seconds, on_frame, self._progress
        )
        try:
            recorded = video.predict(source)
        except (InputError, CheckFailed) as error:
            done.failed.append(_failure(source, error))
            return
        done.documents.append(recorded.document)
        done.stopped = recorded.stopped


def _failure(source: Source, error: DepthbenchError) -> dict[str, Any]:
    return {"input": source.name, "why": str(error), "exit_code": error.exit_code}
