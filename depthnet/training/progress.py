"""How far a run is, how fast, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """What there is to say of a run after a step; epochs and steps done, not indices."""

    epoch: int
    epochs: int
    done: int
    total: int
    loss: float
    images_per_s: float
    seconds_left: float


class Speed:
    """Images a second over the last steps, weighted towards the newest."""

    def __init__(self) -> None:
        self._images = self._seconds = 0.0

    def add(self, images: int, seconds: float) -> None:
        self._images = 0.98 * self._images + images
        self._seconds = 0.98 * self._seconds + seconds

    @property
    def images_per_s(self) -> float:
        return self._images / max(self._seconds, 1e-9)

    def moment(
        self, epoch: int, epochs: int, done: int, total: int, loss: float, batch: int
    ) -> Moment:
        """What there is to say after `done` of `total` steps of `batch` images."""
        left = (total - done) * batch / self.images_per_s
        return Moment(epoch, epochs, done, total, loss, self.images_per_s, left)
