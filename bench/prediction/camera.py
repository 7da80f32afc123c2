"""A camera of this machine: its newest frame, again and again."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.prediction.video_file import Frame, load_pyav, upright
from depthbench import cancellation
from depthbench.closing import Closing
from depthbench.errors import DeviceError
from depthbench.one_line import one_line

PATIENCE_S = 10.0
GLANCE_S = 0.2
LEAVE_S = 1.0


class Camera(Closing):
    """The camera of a number, `/dev/videoN` of Video4Linux.

    Its pictures have the size that it is set to: one that FFmpeg asks for and the driver changes
    breaks them. A thread opens and reads it, since a driver may wait for ever: who asks gets the
    newest picture, and none is queued. Raises DeviceError where there is no camera, or it refuses
    or gives nothing for 10 s; ToolMissing where PyAV is not installed.
    """

    def __init__(self, number: int) -> None:
        self.name = f"camera:{number}"
        self._av = load_pyav("cameras")
        self._place = place_of(number)
        self._changed = threading.Condition()
        self._newest: tuple[NDArray[np.uint8], float] | None = None
        self._lost: DeviceError | None = None
        self._closed = False
        self._reader = threading.Thread(target=self._read, name=self.name, daemon=True)
        self._reader.start()
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def frames(self) -> Iterator[Frame]:
        """One frame after another, as fast as they are asked for and the camera gives them.

        Times count from the first. Raises DeviceError where the camera is lost, or gives nothing
        for 10 s.
        """
        start_s: float | None = None
        while True:
            taken, arrived_s = self._wait(take=True)
            start_s = arrived_s if start_s is None else start_s
            yield Frame(taken, arrived_s - start_s)

    def close(self) -> None:
        """Let go of the camera; of one that hangs, when this process ends."""
        with self._changed:
            self._closed = True
        self._reader.join(LEAVE_S)

    def _wait(self, *, take: bool = False) -> tuple[NDArray[np.uint8], float]:
        """The newest frame and when it arrived; each is taken once."""
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            while self._newest is None:
                cancellation.check()
                if self._lost:
                    raise self._lost
                if time.monotonic() > deadline:
                    raise DeviceError(f"{self.name} gives no picture for {PATIENCE_S:g} s")
                self._changed.wait(GLANCE_S)
            found = self._newest
            if take:
                self._newest = None
            return found

    def _read(self) -> None:
        lost = DeviceError(f"{self.name} was lost: it gives no more pictures")
        file, form = self._place
        try:
            opened = self._av.open(file, format=form)
        except (self._av.error.FFmpegError, OSError) as error:
            self._give(lost=_why_not(self.name, file, error))
            return
        try:
            with opened:
                for packet in opened.demux(video=0):
                    if self._closed:
                        return
                    images = self._decode(packet)
                    # it lies in the driver's memory, which is gone when the camera is closed
                    del packet
                    for image in images:
                        self._give(newest=(image, time.monotonic()))
        except (self._av.error.FFmpegError, OSError) as error:
            why = one_line(getattr(error, "strerror", None) or error)
            lost = DeviceError(f"{self.name} was lost: {why}")
        self._give(lost=lost)

    def _decode(self, packet: Any) -> list[NDArray[np.uint8]]:
        try:
            return [upright(frame) for frame in packet.decode()]
        except self._av.error.InvalidDataError:  # a picture was damaged on the cable
            return []

    def _give(
        self,
        newest: tuple[NDArray[np.uint8], float] | None = None,
        lost: DeviceError | None = None,
    ) -> None:
        with self._changed:
            self._newest, self._lost = newest or self._newest, lost
            self._changed.notify()


def place_of(number: int) -> tuple[str, str]:
    """The file of a camera, and FFmpeg's name for how it is read."""
    return f"/dev/video{number}", "v4l2"


def _why_not(name: str, file: str, error: Exception) -> DeviceError:
    number = getattr(error, "errno", None)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return DeviceError(f"{name}: no such camera", advice=f"there is no {file}")
    if number in (errno.EACCES, errno.EPERM):
        return DeviceError(
            f"{name}: {file} may not be opened", advice="join the group video, or give the right"
        )
    if number == errno.EBUSY:
        return DeviceError(f"{name} is in use", advice="close the program that uses it")
    why = one_line(getattr(error, "strerror", None) or error)
    return DeviceError(f"{name}: {file} is no camera that can be read ({why})")
