"""The files of a video's or camera's predictions, as one frame comes after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.prediction.canvas import Canvas
from bench.prediction.colour_scale import ColourScale
from bench.prediction.intrinsics import Intrinsics
from bench.prediction.output_folder import FRAMES, SUFFIXES, OutputFolder
from bench.prediction.picture_files import Predicted, contents
from bench.prediction.video_file import Frame
from bench.prediction.video_writer import VideoWriter
from bench.prediction.wanted import Wanted
from depthbench.closing import Closing
from depthbench.files import replacing_file
from depthbench.plural import counted

TALLEST, WIDEST = 720, 1280
"""Rows and columns of a pane: two of them beside each other are still what players take."""

WINDOW = 30
"""Frames over which the rate that is shown is a mean."""

WIDEST_CAPTION = "000.0 fps"


class Recording(Closing):
    """Writes what is asked for of every frame: the video, single files in a folder, or both.

    `name` is what the files begin with, `formats` those of single frames, `rate` about how many
    frames a second the video has. The video is moved into place by `close` where `kept`, else
    nothing is left of it. A single frame's files are whole as soon as it is added.
    """

    def __init__(
        self,
        name: str,
        formats: tuple[str, ...],
        wanted: Wanted,
        output: OutputFolder,
        scale: ColourScale,
        rate: Fraction,
    ) -> None:
        self.count = 0
        self.kept = False
        self.size: tuple[int, int] | None = None
        self.camera: Intrinsics | None = None
        self.files: list[str] = []
        self._name, self._formats, self._wanted, self._output = name, formats, wanted, output
        self._scale, self._rate = scale, rate
        self._first_s = 0.0
        self._done_s: deque[float] = deque(maxlen=WINDOW)
        self._writer: VideoWriter | None = None
        self._opened = ExitStack()
        self._notes: dict[str, int] = {}

    @property
    def frames_per_second(self) -> float | None:
        """How many were predicted a second, over the last of them; None for a single one."""
        return _rate(self._done_s)

    @property
    def mean_frames_per_second(self) -> float | None:
        """How many were predicted a second, over all of them; None for a single one."""
        return _rate([self._first_s, *[self._done_s[-1]] * (self.count - 1)])

    @property
    def notes(self) -> list[str]:
        """What a person should know."""
        return [f"{note}, in {counted(count, 'frame')}" for note, count in self._notes.items()]

    def add(self, frame: Frame, depth: NDArray[np.float32], done_s: float) -> None:
        """Add a frame with its depth, of its size, which was predicted at `done_s`."""
        if self.size is None:
            self._begin(frame)
            self._first_s = done_s
        self._done_s.append(done_s)
        if self._writer:
            self._add_to_video(self._writer, frame, depth)
        predicted = Predicted(frame.image, depth, self._scale, self.camera)
        notes: list[str] = []
        for end, content in contents(predicted, self._formats, self._wanted, notes):
            self._output.write(f"{self._name}{FRAMES}/{self.count:06}{end}", content)
        for note in notes:
            self._notes[note] = self._notes.get(note, 0) + 1
        self.count += 1

    def close(self) -> None:
        """End the video, and move it into place or remove it."""
        if self.kept:
            self._opened.close()
        else:
            self._opened.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)

    def _begin(self, frame: Frame) -> None:
        self.size = frame.image.shape[:2]
        if "ply" in self._formats:
            self.camera = self._wanted.camera_of_video(self.size, self._name)
        if self._formats:
            self.files.append(self._output.clear(f"{self._name}{FRAMES}"))
        if self._wanted.formats and "video" not in self._wanted.formats:
            return
        path = self._output.folder / f"{self._name}{SUFFIXES['video']}"
        height, width = self.size
        shrunk = min(1.0, TALLEST / height, WIDEST / width)
        self._pane = (max(round(height * shrunk), 1), max(round(width * shrunk), 1))
        self._canvas = Canvas(self._pane, 2, self._scale, caption=WIDEST_CAPTION)
        part = self._opened.enter_context(replacing_file(path))
        self._writer = self._opened.enter_context(VideoWriter(part, self._canvas.size, self._rate))
        self.files.append(str(path))

    def _add_to_video(self, writer: VideoWriter, frame: Frame, depth: NDArray[np.float32]) -> None:
        photo = _resized(frame.image, self._pane)
        colours = self._scale.paint(_resized(depth, self._pane))
        rate = self.frames_per_second
        caption = "" if rate is None else f"{rate:.1f} fps"
        writer.add(self._canvas.draw([photo, colours], caption), frame.time_s)


def _rate(done_s: Sequence[float]) -> float | None:
    """How many a second, by the times at which each was done."""
    if len(done_s) < 2 or done_s[-1] <= done_s[0]:
        return None
    return (len(done_s) - 1) / (done_s[-1] - done_s[0])


def _resized(values: NDArray, size: tuple[int, int]) -> NDArray:
    """An image or a map at a height and width, bilinearly."""
    if values.shape[:2] == size:
        return values
    picture = Image.fromarray(np.ascontiguousarray(values))
    return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR))
