"""Whether predictions are compared as depth or as its inverse."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import CheckFailed
from depthnet.card.meaning import Meaning

Space = Literal["depth", "disparity"]

SPACES: dict[Meaning, Space] = {
    "metres": "depth",
    "relative": "depth",
    "inverse-metres": "disparity",
    "disparity": "disparity",
}
"""What a model's output is, by its meaning."""


def to_space(
    values: NDArray, meaning: Meaning, space: Space, what: str = "the prediction"
) -> NDArray:
    """A map of `meaning` as `space`, of any shape; inverted where that is the other one.

    Raises CheckFailed, which names `what`, where values are not finite, or not positive though
    they are metric or must be inverted.
    """
    inverted = SPACES[meaning] != space
    if not np.isfinite(values).all():
        raise CheckFailed(f"{what} is not finite")
    if (inverted or meaning in ("metres", "inverse-metres")) and values.min() <= 0:
        raise CheckFailed(f"{what} is not positive and finite")
    return 1 / values if inverted else values
