"""Read a video frame by frame: upright, with the time of each, as far as it goes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depthbench import cancellation
from depthbench.errors import InputError, ToolMissing
from depthbench.one_line import one_line

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

LARGEST = 50_000_000
"""Pixels of a frame."""

USUAL_RATE = Fraction(30)
DECODER_THREADS = "AUTO"
"""Whether threads share frames or slices: as the format allows."""
FRAMES_MISSING, SECONDS_MISSING = 3, 0.1
"""What may lack at a video's end, both at least, before it is called cut short."""


@dataclass(frozen=True)
class Frame:
    """One frame: `image` is HxWx3 uint8 RGB, upright; `time_s` counts from the video's start."""

    image: NDArray[np.uint8]
    time_s: float


class VideoFile:
    """A video. `rate` is its mean number of frames a second, as its file says.

    Raises InputError for what is no video, or has no pictures in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as container:
            stream = self._stream(container)
            self.rate = stream.average_rate or stream.guessed_rate or USUAL_RATE
            self._expected_s = _duration_s(container, stream)
        self.damage = ""
        """After `frames`: what was wrong with the file, in a few words; empty for nothing."""

    def frames(self) -> Iterator[Frame]:
        """The frames in order, from the first; those that cannot be decoded are left out."""
        # The container marks what lacks bytes, the decoder what it sees of it, which varies with
        # its threads.
        count = damaged_packets = damaged_frames = 0
        end_s = 0.0
        with self._open() as container:
            stream = self._stream(container)
            stream.thread_type = DECODER_THREADS
            for packet in self._packets(container, stream):
                marked = packet is not None and packet.is_corrupt
                damaged_packets += marked
                try:
                    decoded = stream.decode(packet)
                except self._av.error.InvalidDataError:
                    damaged_packets += not marked
                    continue
                for frame in decoded:
                    cancellation.check()
                    time_s = frame.time if frame.time is not None else float(count / self.rate)
                    lasts_s = float((frame.duration or 0) * (frame.time_base or 0))
                    end_s = max(end_s, time_s + lasts_s)
                    count += 1
                    damaged_frames += frame.is_corrupt
                    yield Frame(upright(frame), time_s)
            start_s = float((stream.start_time or 0) * (stream.time_base or 0))
        self.damage = self._damage(max(damaged_packets, damaged_frames), end_s - start_s)

    def _damage(self, damaged: int, length_s: float) -> str:
        expected_s = self._expected_s or 0.0
        if expected_s - length_s > max(float(FRAMES_MISSING / self.rate), SECONDS_MISSING):
            return f"it is cut short: {length_s:.1f} of {expected_s:.1f} s are there"
        return f"at least {damaged} of its frames are damaged or lost" if damaged else ""

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet | None]:
        """All packets, then an empty one or None: for it the decoder gives what it holds."""
        try:
            yield from container.demux(stream)
        except self._av.error.InvalidDataError:
            yield None  # what comes next is no video; how much is missing is told by the time

    def _open(self) -> InputContainer:
        self._av = load_pyav("videos")
        try:
            return self._av.open(str(self.path))
        except self._av.error.InvalidDataError as error:
            raise InputError(
                f"{self.path}: not a video, or one that is cut short before its index"
            ) from error
        except (self._av.error.FFmpegError, OSError) as error:
            ended = error.errno == errno.EIO  # so FFmpeg also calls a file that ends too soon
            raise InputError(
                f"{self.path}: cannot be read ({one_line(error)})",
                advice="see whether it is cut short before its first picture" if ended else "",
            ) from error

    def _stream(self, container: InputContainer) -> VideoStream:
        covers = self._av.stream.Disposition.attached_pic
        streams = [one for one in container.streams.video if not one.disposition & covers]
        if not streams:
            raise InputError(
                f"{self.path}: no pictures in it: it has other streams only, or is cut short"
            )
        stream = streams[0]
        if stream.codec_context is None:
            raise InputError(f"{self.path}: pictures of a kind that cannot be decoded")
        if stream.width * stream.height > LARGEST:
            raise InputError(
                f"{self.path}: {stream.width}x{stream.height} pixels",
                advice="give videos below 50 megapixels",
            )
        return stream


def load_pyav(what: str) -> Any:
    """The module of PyAV, FFmpeg's libraries; raises ToolMissing, which says `what` needs it."""
    try:
        import av
    except ImportError as error:
        raise ToolMissing(
            f"{what} need PyAV, which is not installed",
            advice="pip install 'depthbench[video]'",
        ) from error
    return av


def upright(frame: VideoFrame) -> NDArray[np.uint8]:
    """A decoded frame as HxWx3 uint8 RGB, turned as its display matrix says."""
    image = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


def _duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the pictures last, as the file says; None where it does not."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if said := stream.metadata.get("DURATION"):  # of Matroska
        hours, minutes, seconds = (float(part) for part in said.split(":"))
        return hours * 3600 + minutes * 60 + seconds
    if container.duration and len(container.streams) == 1:
        return container.duration / 1e6
    return None
