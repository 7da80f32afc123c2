"""Write frames as H.264 in MP4, which browsers, phones and players show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.prediction.video_file import load_pyav
from depthbench.closing import Closing

TICK = Fraction(1, 90_000)
QUALITY = {"crf": "18", "preset": "veryfast"}
BT709, LIMITED_RANGE = 1, 1


class VideoWriter(Closing):
    """A video at `path` of frames of `size`, an even height and width; `close` makes it playable.

    `rate` is about how many frames a second there will be; each has a time of its own.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: Fraction) -> None:
        self._av = load_pyav("videos")
        self.frames = 0
        self._last = -1
        # The index first, so that it plays while it is still being fetched.
        self._container = self._av.open(
            str(path), "w", format="mp4", options={"movflags": "+faststart"}
        )
        self._stream = self._container.add_stream("libx264", rate=rate, options=QUALITY)
        self._stream.height, self._stream.width = size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = TICK
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED_RANGE

    def add(self, picture: NDArray[np.uint8], time_s: float) -> None:
        """Add a frame, HxWx3 uint8 RGB, shown from `time_s` on, or right after the one before."""
        frame = self._av.VideoFrame.from_ndarray(picture, "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.pts = self._last = max(round(time_s / TICK), self._last + 1)
        frame.time_base = TICK
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Write what is still held back, and the index."""
        if self._container is None:
            return
        container, self._container = self._container, None
        with container:
            container.mux(self._stream.encode())
