"""What a data set yields: one RGB image and its depth map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError

FARTHEST_MEDIAN = 100.0
"""Metres; a median beyond this is a unit read wrongly, not a room."""


@dataclass(frozen=True)
class DepthPair:
    """One image and its depth.

    `image`: HxWx3 uint8 RGB. `depth`: HxW float32, metres along the optical axis, 0 where there
    is no measurement. `invalid`: how many pixels were NaN, infinite or negative in the source
    and are now 0.
    """

    name: str
    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    invalid: int = 0


class DepthDataset(Protocol):
    """A sequence of pairs that reads or renders one pair at a time."""

    @property
    def name(self) -> str:
        """The data set's short name, by which records name it."""

    @property
    def split(self) -> str:
        """`train` or `test`."""

    def __len__(self) -> int:
        """How many pairs there are."""

    def __getitem__(self, index: int) -> DepthPair:
        """Pair `index`, from 0; raises IndexError beyond the last, InputError when damaged."""


def make_pair(name: str, image: NDArray, depth: NDArray, where: object) -> DepthPair:
    """Check an image and its depth and join them.

    `image`: HxWx3 uint8; `depth`: HxW in metres, any float type; `where`: the file to name when
    something is wrong. NaN, infinite and negative depths become 0 and are counted. Raises
    InputError when the sizes differ or when the depth is implausible for metres.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(
            f"{where}: the image is {image.shape} {image.dtype}",
            advice="give 8-bit RGB, HxWx3",
        )
    if depth.shape != image.shape[:2]:
        raise InputError(
            f"{where}: the image is {_size(image)} and its depth {_size(depth)} (width x height)",
            advice="give both at the same size",
        )
    bad = ~np.isfinite(depth) | (depth < 0)
    metres = np.where(bad, 0, depth).astype(np.float32)
    known = metres[metres > 0]
    if known.size and (median := float(np.median(known))) > FARTHEST_MEDIAN:
        raise InputError(
            f"{where}: median depth {median:.0f} m; this looks like millimetres read as metres",
            advice="divide the depth by 1000",
        )
    return DepthPair(name, np.ascontiguousarray(image), metres, int(np.count_nonzero(bad)))


def _size(array: NDArray) -> str:
    return "x".join(str(n) for n in array.shape[1::-1]) if array.ndim >= 2 else str(array.shape)
