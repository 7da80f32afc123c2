"""How an image becomes a network's input, for `depth_run_frame`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# Units of a depth map by what a card says that it means; other maps have none.
UNITS = {"metres": "m", "inverse-metres": "1/m"}


@dataclass(frozen=True)
class ImageInput:
    """An image of `height` and `width` goes into the input `input`, by number; `output` is its map.

    The levels of an upright image of 8 bits a channel, resized by `interpolation` (nearest,
    bilinear, bicubic or lanczos) as `antialias` and `align_corners` say, become `range`; then
    `mean` is subtracted and the rest divided by `std`. A network of `bytes` takes the levels as
    they are. The map times `scale` plus `shift`, within `clip` where there is one, is what
    `meaning` says: metres, inverse-metres, disparity or relative. It holds for cameras of the
    calibration's `focal`, that of both axes by the mean edge; None where it is not known.
    """

    input: int
    output: int
    height: int
    width: int
    channels_last: bool
    bgr: bool
    bytes: bool
    range: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    antialias: bool
    align_corners: bool
    meaning: str
    scale: float
    shift: float
    clip: tuple[float, float] | None = None
    focal: float | None = None

    @property
    def unit(self) -> str:
        """The unit of the map."""
        return UNITS.get(self.meaning, "")

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }
