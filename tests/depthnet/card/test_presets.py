"""Presets beside what the published code of each model computes, by OpenCV, Pillow and numpy."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depthnet.card.card import Card
from depthnet.card.depth_model import DepthModel, describe
from depthnet.card.port import Port
from depthnet.card.presets import PRESETS
from depthnet.card.statements import statements

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def used(preset: str, *edges: int) -> DepthModel:
    """A model that takes 1x3xHxW, its edges open where none are given."""
    image = Port("image", (1, 3, *(edges or (0, 0))), "float32")
    found = statements(Path("none.onnx"), {}, [preset])
    return describe(Path("none.onnx"), [image], [Port("out", (), "float32")], found)


def normalised(image: NDArray, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray:
    return ((image - np.array(mean)) / np.array(std)).transpose(2, 0, 1)[None]


@pytest.mark.parametrize(
    ("preset", "sizes"),
    [
        # Height and width of an image, and of what `Resize.get_size` of MiDaS makes of them.
        ("midas-small", {(480, 640): (192, 256), (640, 480): (256, 192), (300, 300): (256, 256)}),
        ("dpt", {(480, 640): (384, 512), (375, 1242): (384, 1280), (720, 1280): (384, 672)}),
        ("depth-anything-v2", {(480, 640): (518, 686), (1080, 1920): (518, 924)}),
        ("zoedepth", {(480, 640): (384, 512), (375, 1242): (384, 1280)}),
        ("monodepth2", {(480, 640): (192, 640), (375, 1242): (192, 640)}),
    ],
)
def test_images_come_to_the_published_sizes(
    preset: str, sizes: dict[tuple[int, int], tuple[int, int]]
) -> None:
    assert {size: used(preset).input_size(size) for size in sizes} == sizes


@pytest.mark.parametrize("size", [None, (252, 252)])
@pytest.mark.parametrize(
    ("preset", "published"),
    [("midas-small", IMAGENET), ("dpt", HALF), ("depth-anything-v2", IMAGENET)],
)
def test_of_midas_and_depth_anything_the_input_is_opencvs(
    image: NDArray,
    preset: str,
    published: tuple[tuple[float, ...], tuple[float, ...]],
    size: tuple[int, int] | None,
) -> None:
    edges = {"midas-small": (256, 256), "dpt": (384, 384)}.get(preset, size) if size else None
    found = used(preset, *(edges or ())).to_input(image)
    wanted = found.shape[:1:-1]
    resized = cv2.resize(image / 255.0, wanted, interpolation=cv2.INTER_CUBIC)
    # OpenCV has its coefficients in single precision, and pixels of noise are 1 apart.
    np.testing.assert_allclose(found, normalised(resized, *published), atol=1e-3)
    assert found.dtype == np.float32


def test_of_monodepth2_the_input_is_pillows_and_the_depth_from_its_range(image: NDArray) -> None:
    model = used("monodepth2")
    picture = Image.fromarray(image).resize((640, 192), Image.Resampling.LANCZOS)
    expected = (np.asarray(picture) / 255).transpose(2, 0, 1)[None]
    found = model.to_input(image)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    sigmoid = np.linspace(0, 1, 96 * 320).reshape(1, 1, 96, 320)
    depth = 1 / model.depth_map({"out": sigmoid}, found)
    # disp_to_depth(sigmoid, 0.1, 100)
    np.testing.assert_allclose(depth, 1 / (0.01 + (10 - 0.01) * sigmoid[0, 0]), rtol=1e-5)
    assert (depth[0, 0], depth[-1, -1]) == pytest.approx((100, 0.1))


def test_of_zoedepth_corners_stay_where_they_are(image: NDArray) -> None:
    found = used("zoedepth").to_input(image)
    rows, columns = np.linspace(0, 479, 384), np.linspace(0, 639, 512)
    lines = np.apply_along_axis(
        lambda line: np.interp(rows, np.arange(480), line), 0, image / 255.0
    )
    both = np.apply_along_axis(lambda line: np.interp(columns, np.arange(640), line), 1, lines)
    np.testing.assert_allclose(found, normalised(both, *HALF), atol=1e-3)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_says_everything_but_what_the_file_shows(preset: str) -> None:
    said = set(PRESETS[preset].said())
    of_one_file = {"preset", "layout", "values", "output", "clip", "calibration"}
    assert said == set(Card.model_fields) - of_one_file
