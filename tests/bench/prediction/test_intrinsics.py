"""Intrinsics from the EXIF that Pillow writes into pictures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from bench.prediction.intrinsics import Intrinsics, of_photo
from depthnet.data.photo import read_photo


def taken(path: Path, tags: dict[int, Any], size: tuple[int, int], orientation: int = 1) -> Path:
    """A photo of `size` (width, height) in the file, with tags of its camera."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.get_ifd(0x8769).update(tags)
    Image.new("RGB", size, "grey").save(path, exif=exif)
    return path


def intrinsics(path: Path) -> Intrinsics | None:
    return of_photo(read_photo(path))


def test_the_focal_length_on_film_keeps_the_diagonal_field_of_view(tmp_path: Path) -> None:
    camera = intrinsics(taken(tmp_path / "a.jpg", {0xA405: 26}, (400, 300)))
    assert camera is not None
    seen = 2 * math.atan(math.hypot(400, 300) / 2 / camera.fx)
    assert seen == pytest.approx(2 * math.atan(math.hypot(36, 24) / 2 / 26))
    assert (camera.fx, camera.cx, camera.cy) == (camera.fy, 199.5, 149.5)
    assert "EXIF" in camera.source


@pytest.mark.parametrize(("unit", "per_mm"), [(2, 1 / 25.4), (3, 0.1), (4, 1.0), (5, 1000.0)])
def test_the_focal_plane_gives_pixels_in_its_unit(tmp_path: Path, unit: int, per_mm: float) -> None:
    tags = {0x920A: IFDRational(5), 0xA20E: IFDRational(100 / per_mm), 0xA210: unit}
    camera = intrinsics(taken(tmp_path / "a.jpg", tags, (400, 300)))
    assert camera is not None
    assert camera.fx == camera.fy == pytest.approx(500, rel=1e-4)


def test_a_picture_made_smaller_has_a_smaller_focal_length(tmp_path: Path) -> None:
    tags = {0x920A: 5.0, 0xA20E: 100.0, 0xA20F: 100.0, 0xA210: 4, 0xA002: 800, 0xA003: 600}
    camera = intrinsics(taken(tmp_path / "a.jpg", tags, (400, 300)))
    assert camera is not None
    assert (camera.fx, camera.fy) == pytest.approx((250, 250))


def test_a_turned_picture_exchanges_the_axes(tmp_path: Path) -> None:
    tags = {0x920A: 5.0, 0xA20E: 100.0, 0xA20F: 80.0, 0xA210: 4, 0xA002: 400, 0xA003: 300}
    camera = intrinsics(taken(tmp_path / "a.jpg", tags, (400, 300), orientation=6))
    assert camera is not None
    assert (camera.fx, camera.fy) == pytest.approx((400, 500))
    assert (camera.cx, camera.cy) == (149.5, 199.5)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {0xA405: 0},
        {0x920A: IFDRational(0, 0), 0xA20E: 100.0},
        {0x920A: 5.0},
        {0x920A: 5.0, 0xA20E: IFDRational(1, 0)},
        {0x920A: 5.0, 0xA20E: 100.0, 0xA210: 1},
    ],
)
def test_exif_that_does_not_say_gives_none(tmp_path: Path, tags: dict[int, Any]) -> None:
    assert intrinsics(taken(tmp_path / "a.jpg", tags, (40, 30))) is None
