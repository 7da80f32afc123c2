"""Intersections against closed forms and against the solids' own definitions."""

from __future__ import annotations

from math import cos, sin, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from depthnet.data.rooms.solids import Shape, Solid, interval
from depthnet.data.rooms.surfaces.materials import Material

GREY = Material("plain", (0.5, 0.5, 0.5))
SHAPES: tuple[Shape, ...] = ("box", "ellipsoid", "cylinder")

number = st.floats(-4, 4, allow_nan=False, width=32)
point = st.tuples(number, number, number)
length = st.floats(0.05, 3)
Point = tuple[float, float, float]


def along(shape: Shape, origin: tuple, ray: tuple) -> tuple[float, float]:
    x, y, z = (np.array([d]) for d in ray)
    enter, leave = interval(shape, np.array(origin), (x, y, z))
    return float(enter[0]), float(leave[0])


def outside(shape: Shape, at: np.ndarray) -> np.ndarray:
    """How far points are out of a unit solid by its definition: below 1 inside, 1 on it."""
    x, y, z = np.abs(at)
    if shape == "box":
        return np.maximum(np.maximum(x, y), z)
    if shape == "ellipsoid":
        return np.sqrt(x * x + y * y + z * z)
    return np.maximum(np.hypot(x, y), z)


@given(shape=st.sampled_from(SHAPES), origin=point, ray=point)
def test_a_hit_lies_on_the_surface_and_a_miss_is_one(
    shape: Shape, origin: tuple, ray: tuple
) -> None:
    # A grazing or nearly endless ray is decided by rounding: leave those out.
    assume(min(map(abs, ray)) > 1e-3)
    enter, leave = along(shape, origin, ray)
    steps = np.linspace(-30, 30, 4001) / np.linalg.norm(ray)
    far_out = outside(shape, np.array(origin)[:, None] + np.array(ray)[:, None] * steps)
    if enter > leave:
        assert far_out.min() > 1 - 1e-9
        return
    ends = np.array(origin)[:, None] + np.array(ray)[:, None] * np.array([enter, leave])
    np.testing.assert_allclose(outside(shape, ends), 1, atol=1e-6)
    within = (steps > enter) & (steps < leave)
    assert (far_out[within] < 1 + 1e-9).all()
    assert (far_out[~within] > 1 - 1e-9).all()


@given(distance=st.floats(1.01, 50), x=st.floats(-0.99, 0.99), y=st.floats(-0.99, 0.99))
def test_a_box_seen_square_on(distance: float, x: float, y: float) -> None:
    assert along("box", (x, y, -distance), (0, 0, 1)) == pytest.approx((distance - 1, distance + 1))


@given(distance=st.floats(1.01, 50), aside=st.floats(0, 0.999), speed=st.floats(0.1, 10))
def test_a_sphere_is_entered_half_a_chord_before_its_middle(
    distance: float, aside: float, speed: float
) -> None:
    half_chord = sqrt(1 - aside**2)
    expected = ((distance - half_chord) / speed, (distance + half_chord) / speed)
    assert along("ellipsoid", (-distance, aside, 0), (speed, 0, 0)) == pytest.approx(expected)


@given(distance=st.floats(1.01, 50), aside=st.floats(0, 0.999), high=st.floats(-0.99, 0.99))
def test_a_cylinder_has_a_circle_s_chord_at_any_height(
    distance: float, aside: float, high: float
) -> None:
    half_chord = sqrt(1 - aside**2)
    expected = (distance - half_chord, distance + half_chord)
    assert along("cylinder", (-distance, aside, high), (1, 0, 0)) == pytest.approx(expected)


@given(above=st.floats(1.01, 50), x=st.floats(-0.7, 0.7), y=st.floats(-0.7, 0.7))
def test_a_cylinder_seen_along_its_axis_is_its_cap(above: float, x: float, y: float) -> None:
    assert along("cylinder", (x, y, above), (0, 0, -1)) == pytest.approx((above - 1, above + 1))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_parallel_ray_that_passes_by_misses(shape: Shape) -> None:
    for origin, ray in (((5, 1.5, 0), (-1, 0, 0)), ((0, 1.5, 5), (0, 0, -1))):
        enter, leave = along(shape, origin, ray)
        assert not enter <= leave


@pytest.mark.parametrize("shape", SHAPES)
@given(direction=point)
def test_from_inside_the_entry_is_behind(shape: Shape, direction: tuple) -> None:
    assume(np.linalg.norm(direction) > 1e-3)
    enter, leave = along(shape, (0.1, -0.2, 0.3), direction)
    assert enter < 0 < leave


@given(
    centre=point, half=st.tuples(length, length, length), yaw=st.floats(-7, 7),
    shift=point, turn=st.floats(-7, 7), at=point,
)  # fmt: skip
def test_moving_a_solid_moves_its_points(
    centre: Point, half: Point, yaw: float, shift: Point, turn: float, at: Point
) -> None:
    solid = Solid("box", centre, half, GREY, yaw)
    moved = solid.moved(*shift, yaw=turn)
    x, y, z = at
    there = np.array([cos(turn) * x - sin(turn) * y, sin(turn) * x + cos(turn) * y, z]) + shift
    before = solid.to_unit(np.array(at) - solid.centre)
    after = moved.to_unit(there - np.array(moved.centre))
    np.testing.assert_allclose(after, before, atol=1e-7 * (1 + np.abs(before).max()))


@given(centre=point, half=st.tuples(length, length, length), yaw=st.floats(-7, 7))
def test_corners_are_those_of_the_unit_cube(centre: tuple, half: tuple, yaw: float) -> None:
    solid = Solid("box", centre, half, GREY, yaw)
    units = np.array([solid.to_unit(corner - np.array(centre)) for corner in solid.corners()])
    np.testing.assert_allclose(np.abs(units), 1, atol=1e-6)
    assert len(np.unique(np.round(units), axis=0)) == 8
