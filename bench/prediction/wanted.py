"""What is asked of predictions: which files, in which colours, seen by which camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.prediction.colour_scale import COLOURS, QUANTITIES, check_ends, known_colours
from bench.prediction.intrinsics import Intrinsics, of_field_of_view, of_photo
from bench.prediction.output_folder import SUFFIXES
from depthbench.errors import InputError
from depthbench.suggest import did_you_mean

if TYPE_CHECKING:
    from depthnet.card.meaning import Meaning
    from depthnet.data.photo import Photo

OF_METRES = ("mm", "ply")
SAY = "give --fov DEGREES or --intrinsics FX FY CX CY for the point cloud"


@dataclass(frozen=True)
class Wanted:
    """What is asked of every prediction.

    `formats`: names of `SUFFIXES`; empty for what suits each input. `near` and `far`: ends of the
    colours, in the unit of the bar. `camera` or `field_of_view` (degrees, horizontal) say how the
    camera projects. `flip`: as of `Predictor.predict`.
    """

    formats: tuple[str, ...] = ()
    side_by_side: bool = False
    flip: bool = False
    colours: str = COLOURS
    near: float | None = None
    far: float | None = None
    camera: Intrinsics | None = None
    field_of_view: float | None = None

    def check(self) -> None:
        """Raise InputError for what is unknown, or contradicts itself, whatever the model."""
        for name in self.formats:
            if name not in SUFFIXES:
                raise InputError(f"unknown format {name!r}", advice=did_you_mean(name, SUFFIXES))
        known_colours(self.colours)
        if self.camera and self.field_of_view is not None:
            raise InputError("--intrinsics and --fov say the same", advice="give one of them")
        if self.camera and not _valid(self.camera):
            raise InputError(
                "--intrinsics: not a camera", advice="focal lengths are above 0, all are finite"
            )

    def check_for(self, meaning: Meaning) -> None:
        """Raise InputError for what does not suit a model that gives `meaning`."""
        check_ends(self.near, self.far, QUANTITIES[meaning])
        needs = [name for name in self.formats if name in OF_METRES]
        if needs and not QUANTITIES[meaning].metric:
            raise InputError(
                f"the model knows no metres, which {needs[0]} needs",
                advice="leave the format out, or say what it gives with --meaning",
            )

    def formats_for(self, kind: str, meaning: Meaning) -> tuple[str, ...]:
        """Those of a picture or of a video's single frames."""
        if self.formats or kind != "picture":
            return tuple(name for name in self.formats if name != "video")
        cloud = self._asks_for_camera and QUANTITIES[meaning].metric
        return ("colour", "ply") if cloud else ("colour",)

    def camera_of(self, photo: Photo, where: str, meaning: Meaning) -> Intrinsics | None:
        """How a photo's camera projects, as asked for or as its EXIF says, for a point cloud.

        None where no point cloud is asked for. Raises InputError where nobody says, and where
        what is asked for is nothing that a picture gives.
        """
        formats = self.formats_for("picture", meaning)
        if not formats:
            raise InputError(f"{where}: a picture gives no video", advice="leave --format out")
        if "ply" not in formats:
            return None
        camera = self.camera_of_photo(photo)
        if camera is None:
            raise InputError(f"{where}: its EXIF does not say how the camera projects", advice=SAY)
        return camera

    def camera_of_video(self, size: tuple[int, int], where: str) -> Intrinsics:
        """How a video's camera projects; raises InputError where that is not asked for."""
        camera = self.camera_asked_for(size)
        if camera is None:
            raise InputError(f"{where}: a video does not say how its camera projects", advice=SAY)
        return camera

    def camera_of_photo(self, photo: Photo) -> Intrinsics | None:
        """How a photo's camera projects, as asked for or as its EXIF says; None where none does."""
        return self.camera_asked_for(photo.image.shape[:2]) or of_photo(photo)

    def camera_asked_for(self, size: tuple[int, int]) -> Intrinsics | None:
        """How it projects, for pictures of a size (height, width), where that is asked for."""
        if self.field_of_view is not None:
            return of_field_of_view(self.field_of_view, size)
        return self.camera

    @property
    def _asks_for_camera(self) -> bool:
        return self.camera is not None or self.field_of_view is not None


def _valid(camera: Intrinsics) -> bool:
    numbers = (camera.fx, camera.fy, camera.cx, camera.cy)
    return all(map(math.isfinite, numbers)) and camera.fx > 0 and camera.fy > 0
