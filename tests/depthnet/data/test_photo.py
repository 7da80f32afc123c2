"""Photographs of every kind are read as Pillow shows them: upright, in 8-bit RGB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from depthbench.errors import InputError
from depthnet.data.image_file import read_rgb
from depthnet.data.photo import is_picture, read_photo

COLOURS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def test_an_ordinary_picture_is_what_data_sets_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(COLOURS).save(path)
    np.testing.assert_array_equal(read_photo(path).image, read_rgb(path, path))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_the_orientation_of_exif_is_applied(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = Image.fromarray(COLOURS)
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    exif = Image.Exif()
    exif[0x0112] = undo
    stored_upright = tmp_path / "undone.png"
    upright.save(stored_upright, exif=exif)
    stored = ImageOps.exif_transpose(Image.open(stored_upright))
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    stored.save(path, exif=exif, lossless=True)
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.image, COLOURS)
    assert photo.sideways == (orientation >= 5) or ending == "tif"


def test_transparent_parts_are_white_and_half_of_them_in_between(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    alpha = np.array([[0, 255, 128]], np.uint8)
    Image.fromarray(np.dstack([np.zeros((1, 3, 3), np.uint8), alpha])).save(path)
    np.testing.assert_allclose(read_photo(path).image[0, :, 0], [255, 0, 127], atol=1)


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putdata([0, 1])
    picture.save(path, transparency=0)
    assert read_photo(path).image.tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode in ("CMYK", "YCbCr") else "a.png")
    picture = Image.fromarray(COLOURS).convert(mode)
    picture.save(path)
    with Image.open(path) as again:
        expected = np.asarray(again.convert("RGB"))
    np.testing.assert_array_equal(read_photo(path).image, expected)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bit_levels_are_rounded_to_8(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    levels = np.array([[0, 128, 129, 32768, 65535]], np.uint16)
    Image.fromarray(levels).save(path)
    expected = [round(int(level) / 257) for level in levels[0]]
    assert read_photo(path).image[0, :, 1].tolist() == expected


def test_one_pixel(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (1, 1), (1, 2, 3)).save(path)
    assert read_photo(path).image.tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    frames = [Image.new("RGB", (4, 3), (level, level, level)) for level in (0, 120, 250)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    photo = read_photo(path)
    assert photo.frames == 3
    np.testing.assert_allclose(photo.image, 0, atol=2)


def test_avif_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.new("RGB", (32, 24), (200, 100, 50)).save(path, quality=95)
    np.testing.assert_allclose(read_photo(path).image[12, 16], [200, 100, 50], atol=4)


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(500)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not an image; give a picture as JPEG"),
        (b"words\n" * 100, "not an image; give a picture as JPEG"),
        (HEIC, "not an image; give a picture as JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (b"\xff\xd8\xff\xe0" + bytes(10), "unreadable image|not an image"),
    ],
    ids=["empty", "text", "heic", "postscript", "header"],
)
def test_what_is_no_picture_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        read_photo(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif", "avif", "tif"])
def test_a_truncated_picture_is_one_line(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / f"whole.{ending}"
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    path = tmp_path / f"a.{ending}"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"unreadable image|not an image"):
        read_photo(path)


def test_a_missing_file_and_floating_point_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_photo(tmp_path / "a.jpg")
    path = tmp_path / "a.tif"
    Image.fromarray(np.ones((3, 4), np.float32)).save(path)
    with pytest.raises(InputError, match="floating point"):
        read_photo(path)


@pytest.mark.parametrize("edge", [7_100, 10_000, 14_000])
def test_a_bomb_is_refused_unread_and_in_one_line(
    tmp_path: Path, edge: int, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.png"
    Image.new("1", (edge, edge)).save(path)
    with pytest.raises(InputError, match="pixels"):
        read_photo(path)
    assert is_picture(path)
    assert not [one for one in recwarn if "Decompression" in type(one.message).__name__]


def test_what_only_begins_as_a_picture_is_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(COLOURS).save(path)
    assert is_picture(path)
    path.write_bytes(b"words")
    assert not is_picture(path)
    assert not is_picture(tmp_path)
