"""Which colour stands for which depth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

if TYPE_CHECKING:
    from depthnet.card.meaning import Meaning

COLOURS = "inferno"
SOME_COLOURS = (COLOURS, "viridis", "magma", "turbo")
PERCENTILES = (1, 99)
LEVELS = 256
TICKS = 8
LEAST_SPREAD = 0.02
"""Of the larger end: what a map that is the same everywhere is spread by."""


@dataclass(frozen=True)
class Quantity:
    """What is shown of a prediction: its `unit`, and whether what is near has the larger values.

    `inverted`: whether predictions, which are in metres then, are inverted to be shown.
    """

    unit: str
    near_is_large: bool = False
    inverted: bool = False

    @property
    def metric(self) -> bool:
        """Whether its numbers mean something beyond one picture."""
        return self.unit != RELATIVE

    def shown(self, prediction: NDArray) -> NDArray:
        """The values that are shown of a prediction."""
        return 1 / prediction if self.inverted else prediction


RELATIVE = "relative"
QUANTITIES: dict[Meaning, Quantity] = {
    "metres": Quantity("m"),
    "inverse-metres": Quantity("1/m", near_is_large=True, inverted=True),
    "disparity": Quantity(RELATIVE, near_is_large=True),
    "relative": Quantity(RELATIVE),
}


@dataclass(frozen=True)
class ColourScale:
    """The colours of values from `near` to `far`, in the quantity's unit; what is beyond is cut.

    `colours` is a name of matplotlib's colour maps, whose last colour is that of what is near.
    """

    near: float
    far: float
    quantity: Quantity
    colours: str = COLOURS

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """The colours from near to far, `LEVELS` of RGB."""
        from matplotlib import colormaps

        steps = np.linspace(1, 0, LEVELS)
        return np.asarray(colormaps[self.colours](steps, bytes=True)[:, :3])

    def paint(self, prediction: NDArray) -> NDArray[np.uint8]:
        """A prediction HxW as colours, HxWx3 RGB."""
        levels = self.quantity.shown(prediction) - np.float32(self.near)
        levels *= np.float32((LEVELS - 1) / (self.far - self.near))
        indices = np.clip(np.rint(levels, out=levels), 0, LEVELS - 1).astype(np.uint8)
        return self.table[indices]

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where labels stand, from 0 at near to 1 at far, and what they say."""
        if not self.quantity.metric:
            return [(0.0, "near"), (1.0, "far")]
        from matplotlib.ticker import MaxNLocator

        low, high = sorted((self.near, self.far))
        values = MaxNLocator(TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        decimals = len(f"{values[1] - values[0]:.6g}".partition(".")[2])
        return [
            ((value - self.near) / (self.far - self.near), f"{value:.{decimals}f}")
            for value in values
            if low <= value <= high
        ]


def known_colours(name: str) -> str:
    """`name` itself; raises InputError unless it is one of matplotlib's colour maps."""
    from matplotlib import colormaps

    if name not in colormaps:
        advice = did_you_mean(name, list(colormaps), f"try {', '.join(SOME_COLOURS)}")
        raise InputError(f"unknown colours {name!r}", advice=advice)
    return name


def check_ends(near: float | None, far: float | None, quantity: Quantity) -> None:
    """Raise InputError where what is asked to be near is not nearer than what is to be far."""
    for name, end in (("near", near), ("far", far)):
        if end is not None and not math.isfinite(end):
            raise InputError(f"--{name} {end}: not a finite number")
    if near is None or far is None:
        return
    if (near <= far) if quantity.near_is_large else (near >= far):
        which = "larger" if quantity.near_is_large else "smaller"
        raise InputError(
            f"near {near:g} and far {far:g}, in {quantity.unit}",
            advice=f"what is near has the {which} values",
        )


def scale_for(
    predictions: Iterable[NDArray],
    quantity: Quantity,
    *,
    near: float | None = None,
    far: float | None = None,
    colours: str = COLOURS,
) -> ColourScale:
    """The scale of predictions, from their 1st to their 99th percentile where no end is asked for.

    Raises InputError where the end that is asked for leaves no range to the other.
    """
    check_ends(near, far, quantity)
    found = _ends([quantity.shown(one) for one in predictions], quantity)
    ends = (found[0] if near is None else near, found[1] if far is None else far)
    if near is None or far is None:
        ends = _spread(ends, quantity) if near is far else ends
        check_ends(*ends, quantity)
    return ColourScale(*ends, quantity, colours)


def _ends(values: Sequence[NDArray], quantity: Quantity) -> tuple[float, float]:
    pooled = np.concatenate([one.ravel() for one in values]) if values else np.zeros(1)
    low, high = (float(end) for end in np.percentile(pooled, PERCENTILES))
    return (high, low) if quantity.near_is_large else (low, high)


def _spread(ends: tuple[float, float], quantity: Quantity) -> tuple[float, float]:
    """The ends, moved apart where they are (nearly) the same."""
    least = LEAST_SPREAD * max(abs(ends[0]), abs(ends[1]), 1e-6)
    if abs(ends[1] - ends[0]) >= least:
        return ends
    middle = sum(ends) / 2
    half = -least / 2 if quantity.near_is_large else least / 2
    return middle - half, middle + half
