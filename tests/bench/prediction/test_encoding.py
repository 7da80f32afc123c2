"""What is written is read back by others: Pillow, OpenCV, NumPy, and a parser of PLY's header."""

from __future__ import annotations

import io
import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bench.prediction.encoding import as_millimetres, as_npy, as_png, as_point_cloud
from bench.prediction.intrinsics import Intrinsics, of_field_of_view

TYPES = {"float": "<f4", "uchar": "u1"}


def parse_ply(content: bytes) -> NDArray:
    """The vertices of a binary PLY, by its header alone."""
    header, _, body = content.partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    properties = [line.split()[1:] for line in lines if line.startswith("property")]
    (count,) = re.findall(r"^element vertex (\d+)$", "\n".join(lines), re.MULTILINE)
    kind = np.dtype([(name, TYPES[form]) for form, name in properties])
    assert len(body) == int(count) * kind.itemsize
    return np.frombuffer(body, kind)


def test_millimetres_are_read_back_in_16_bits_by_pillow_and_opencv() -> None:
    depth = np.random.default_rng(0).uniform(0.3, 60, (13, 17)).astype(np.float32)
    levels, lost = as_millimetres(depth)
    content = as_png(levels)
    assert lost == 0
    with Image.open(io.BytesIO(content)) as picture:
        by_pillow = np.asarray(picture).astype(np.int64)
    by_opencv = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert by_opencv is not None
    assert by_opencv.dtype == np.uint16
    np.testing.assert_array_equal(by_pillow, by_opencv)
    np.testing.assert_allclose(by_opencv / 1000, depth, atol=0.5001e-3)


def test_what_16_bits_cannot_hold_is_0_and_counted() -> None:
    depth = np.array([[1, 65.5351, 65.536, 1e30, np.inf, np.nan, -1, 0.0004]], np.float32)
    levels, lost = as_millimetres(depth)
    assert levels.tolist() == [[1000, 65535, 0, 0, 0, 0, 0, 0]]
    assert lost == 6


@given(st.floats(0.0006, 65.535))
def test_every_depth_in_range_is_within_half_a_millimetre(metres: float) -> None:
    depth = np.full((1, 1), metres, np.float32)
    levels, lost = as_millimetres(depth)
    assert lost == 0
    assert abs(float(levels[0, 0]) - float(depth[0, 0]) * 1000) <= 0.5


def test_an_array_is_read_back_bit_for_bit() -> None:
    depth = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_array_equal(np.load(io.BytesIO(as_npy(depth)), allow_pickle=False), depth)


def test_a_plane_is_projected_back_to_itself() -> None:
    """z = d / (n . ray) is the depth of the plane n . p = d; its points must lie on it."""
    camera = Intrinsics(50.0, 60.0, 15.5, 9.25)
    rows, columns = np.mgrid[:20, :30]
    rays = np.stack(
        [(columns - 15.5) / 50.0, (rows - 9.25) / 60.0, np.ones_like(rows, dtype=float)], -1
    )
    normal, distance = np.array([0.2, -0.3, 0.9]), 2.5
    depth = (distance / (rays @ normal)).astype(np.float32)
    image = np.random.default_rng(2).integers(0, 256, (20, 30, 3), np.uint8)
    points = parse_ply(as_point_cloud(depth, image, camera))
    xyz = np.stack([points[axis] for axis in "xyz"], -1).astype(np.float64)
    assert len(points) == 600
    np.testing.assert_allclose(xyz @ normal, distance, rtol=1e-5)
    np.testing.assert_allclose(xyz.reshape(20, 30, 3), rays * depth[..., None], rtol=1e-5)
    colours = np.stack([points[name] for name in ("red", "green", "blue")], -1)
    np.testing.assert_array_equal(colours.reshape(20, 30, 3), image)


def test_a_point_lies_at_its_pixel_when_projected_by_opencv() -> None:
    camera = Intrinsics(40.0, 45.0, 7.0, 5.0)
    depth = np.random.default_rng(3).uniform(1, 4, (11, 15)).astype(np.float32)
    points = parse_ply(as_point_cloud(depth, np.zeros((11, 15, 3), np.uint8), camera))
    xyz = np.stack([points[axis] for axis in "xyz"], -1).astype(np.float64)
    matrix = np.array([[40.0, 0, 7], [0, 45, 5], [0, 0, 1]])
    pixels, _ = cv2.projectPoints(xyz, np.zeros(3), np.zeros(3), matrix, np.zeros(5))
    rows, columns = np.mgrid[:11, :15]
    np.testing.assert_allclose(
        pixels[:, 0], np.stack([columns, rows], -1).reshape(-1, 2), atol=1e-4
    )


def test_what_has_no_depth_is_no_point() -> None:
    depth = np.array([[1, np.inf], [np.nan, 2]], np.float32)
    camera = of_field_of_view(90, (2, 2))
    points = parse_ply(as_point_cloud(depth, np.zeros((2, 2, 3), np.uint8), camera))
    assert points["z"].tolist() == [1, 2]


def test_a_field_of_view_is_that_of_the_outer_edges() -> None:
    camera = of_field_of_view(90, (100, 200))
    left, right = (-0.5 - camera.cx) / camera.fx, (199.5 - camera.cx) / camera.fx
    assert np.degrees(np.arctan(right) - np.arctan(left)) == pytest.approx(90)
    assert camera.fx == camera.fy
    assert camera.cy == 49.5
