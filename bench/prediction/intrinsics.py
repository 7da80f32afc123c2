"""How a camera projects: asked for, or from what a picture's EXIF says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from depthnet.data.photo import Photo

FOCAL_LENGTH, FOCAL_LENGTH_35 = 0x920A, 0xA405
PLANE_X, PLANE_Y, PLANE_UNIT = 0xA20E, 0xA20F, 0xA210
WIDTH, HEIGHT = 0xA002, 0xA003
UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Of the focal plane's resolution, by EXIF's number; an inch where there is none."""

DIAGONAL_35_MM = math.hypot(36, 24)


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera: focal lengths and principal point in pixels.

    Pixel (0, 0) has its centre at (0, 0). `source` says where they are from.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    source: str = "asked for"

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: getattr(self, name) for name in ("fx", "fy", "cx", "cy", "source")}


def of_field_of_view(degrees: float, size: tuple[int, int]) -> Intrinsics:
    """Square pixels and a centred principal point, for a horizontal field of view in degrees.

    `size` is the image's height and width.
    """
    focal = size[1] / 2 / math.tan(math.radians(degrees) / 2)
    return _centred(focal, focal, size, f"field of view of {degrees:g} degrees")


def of_photo(photo: Photo) -> Intrinsics | None:
    """As the EXIF of a photo has them; None where it does not say.

    By the focal length of the same diagonal field of view on 35 mm film (CIPA DC-008, tag 0xA405),
    else by the focal length and the resolution of the focal plane, which is that of the picture as
    it was taken.
    """
    height, width = photo.image.shape[:2]
    film = _positive(photo.exif, FOCAL_LENGTH_35)
    if film:
        focal = film / DIAGONAL_35_MM * math.hypot(width, height)
        return _centred(focal, focal, (height, width), "EXIF, focal length on 35 mm film")
    length = _positive(photo.exif, FOCAL_LENGTH)
    across = _positive(photo.exif, PLANE_X)
    down = _positive(photo.exif, PLANE_Y) or across
    unit = UNIT_MM.get(int(_positive(photo.exif, PLANE_UNIT) or 2))
    if not (length and across and down and unit):
        return None
    taken = (height, width)[:: -1 if photo.sideways else 1]
    focals = [length * across / unit, length * down / unit]
    for axis, (tag, now) in enumerate(((WIDTH, taken[1]), (HEIGHT, taken[0]))):
        focals[axis] *= now / (_positive(photo.exif, tag) or now)
    fx, fy = focals[:: -1 if photo.sideways else 1]
    return _centred(fx, fy, (height, width), "EXIF, resolution of the focal plane")


def relative_focal(camera: Intrinsics, size: tuple[int, ...]) -> float:
    """The focal length of pictures of a size (height, width), whatever their resolution.

    The geometric mean of both focal lengths over that of width and height: what a network sees of
    a camera, since all pictures come to one size. It is the same on the side as upright.
    """
    height, width = size
    return math.sqrt(camera.fx * camera.fy / (height * width))


def _centred(fx: float, fy: float, size: tuple[int, int], source: str) -> Intrinsics:
    height, width = size
    return Intrinsics(fx, fy, (width - 1) / 2, (height - 1) / 2, source)


def _positive(exif: Mapping[int, Any], tag: int) -> float | None:
    """A tag's number; None where it is missing, no number, not finite, or not above 0."""
    try:
        value = float(exif[tag])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) and value > 0 else None
