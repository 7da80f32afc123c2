"""Depth of whole pictures against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from depthnet.data.rooms.camera import Camera, nyu_camera
from depthnet.data.rooms.cast import ROOM, cast
from depthnet.data.rooms.solids import Solid, interval
from depthnet.data.rooms.surfaces.materials import Material


def test_an_empty_room_is_its_planes(level: Camera, hall: Solid) -> None:
    x = (np.arange(81) - 40) / 50
    y = (np.arange(61)[:, None] - 30) / 50
    with np.errstate(divide="ignore"):
        sides, floor = 3 / np.abs(x), 1.5 / np.abs(y)
    expected = np.minimum(np.minimum(6.0, sides), floor)
    depth, index = cast(level, hall, [])
    np.testing.assert_allclose(depth, expected, rtol=1e-14)
    assert (index == ROOM).all()


def test_depth_is_along_the_axis_not_along_the_ray(level: Camera, hall: Solid) -> None:
    depth, _ = cast(level, hall, [])
    assert depth[30, 40] == pytest.approx(6.0)
    assert depth[30, 20] == pytest.approx(6.0)  # the same wall, 21.8 degrees aside


@pytest.mark.parametrize("radius", [0.1, 0.5, 1.0])
def test_a_sphere_on_the_axis(level: Camera, hall: Solid, grey: Material, radius: float) -> None:
    distance = 3.0
    ball = Solid("ellipsoid", (3, 1 + distance, 1.5), (radius,) * 3, grey)
    depth, index = cast(level, hall, [ball])
    x = (np.arange(81) - 40) / 50
    y = (np.arange(61)[:, None] - 30) / 50
    squared = x * x + y * y + 1
    # |z (x, y, 1) - (0, 0, D)| = r, solved for the nearer z.
    root = distance**2 - squared * (distance**2 - radius**2)
    seen = root > 0
    np.testing.assert_array_equal(index == 0, seen)
    nearer = (distance - np.sqrt(root[seen])) / squared[seen]
    np.testing.assert_allclose(depth[seen], nearer, rtol=1e-12)
    assert depth[30, 40] == pytest.approx(distance - radius, rel=1e-14)


def test_a_slanted_face(level: Camera, hall: Solid, grey: Material) -> None:
    # A cube turned by 45 degrees: two planes through the edge 2 m ahead, falling back at 45.
    half, yaw = 0.5, np.pi / 4
    cube = Solid("box", (3, 1 + 2 + half * np.sqrt(2), 1.5), (half, half, half), grey, yaw)
    depth, index = cast(level, hall, [cube])
    row, x = depth[30], (np.arange(81) - 40) / 50
    on = index[30] == 0
    np.testing.assert_allclose(row[on], 2 / (1 - np.abs(x[on])), rtol=1e-12)
    assert on.sum() > 20


def test_the_nearer_solid_hides_the_farther(level: Camera, hall: Solid, grey: Material) -> None:
    near = Solid("box", (3, 3, 1.5), (0.2, 0.2, 0.2), grey)
    far = Solid("box", (3, 5, 1.5), (0.6, 0.2, 0.6), grey)
    for solids in ([near, far], [far, near]):
        depth, index = cast(level, hall, solids)
        assert depth[30, 40] == pytest.approx(1.8)
        assert index[30, 40] == solids.index(near)
        assert depth[30, 46] == pytest.approx(3.8)
        assert index[30, 46] == solids.index(far)


def test_faces_in_one_plane_belong_to_the_first(level: Camera, hall: Solid, grey: Material) -> None:
    tilted = nyu_camera(np.array([3.1, 1.0, 1.4]), 1.5, -0.1, 0.05, (120, 160))
    solids = [
        Solid("box", (3, 4, 1), (0.5, 0.3, 1.0), grey, 0.3),
        Solid("box", (3, 4, 1), (0.5, 0.3, 0.5), grey, 0.3),
    ]
    _, index = cast(tilted, hall, solids)
    assert (index == 0).sum() > 500
    assert not (index == 1).any()


def test_a_mirrored_scene_gives_the_mirrored_picture(
    level: Camera, hall: Solid, grey: Material
) -> None:
    solids = [
        Solid("box", (2.2, 3.1, 0.4), (0.3, 0.5, 0.4), grey, 0.7),
        Solid("cylinder", (3.9, 4.0, 1.0), (0.2, 0.3, 1.0), grey, -0.4),
        Solid("ellipsoid", (2.6, 2.5, 1.7), (0.1, 0.3, 0.2), grey, 1.1),
    ]
    flipped = [replace(s, centre=(6 - s.centre[0], *s.centre[1:]), yaw=-s.yaw) for s in solids]
    depth, index = cast(level, hall, solids)
    other_depth, other_index = cast(level, hall, flipped)
    np.testing.assert_allclose(other_depth, depth[:, ::-1], rtol=1e-12)
    np.testing.assert_array_equal(other_index, index[:, ::-1])
    assert set(np.unique(index)) == {ROOM, 0, 1, 2}


def test_looking_only_where_a_solid_can_be_changes_nothing(hall: Solid, grey: Material) -> None:
    # Against the same solids tried on every pixel; many lie beside or behind the camera.
    rng = np.random.default_rng(5)
    for _ in range(12):
        camera = nyu_camera(
            np.array([3.0, 3.0, 1.5]), rng.uniform(-3, 3), rng.uniform(-0.6, 0.6),
            rng.uniform(-0.3, 0.3), size=(36, 48),
        )  # fmt: skip
        solids = []
        for shape in ("box", "ellipsoid", "cylinder") * 4:
            centre = (rng.uniform(0, 6), rng.uniform(0, 7), rng.uniform(0, 3))
            if np.hypot(centre[0] - 3, centre[1] - 3) > 1.2:
                half = tuple(rng.uniform(0.05, 0.65, 3))
                solids.append(Solid(shape, centre, half, grey, rng.uniform(-3, 3)))
        depth, _ = cast(camera, hall, solids)
        np.testing.assert_allclose(depth, everywhere(camera, hall, solids), rtol=2e-9)


def everywhere(camera: Camera, hall: Solid, solids: list[Solid]) -> NDArray[np.float64]:
    x, y = np.meshgrid(camera.columns(), camera.rows())
    rays = x[..., None] * camera.right + y[..., None] * camera.down + camera.forward

    def solve(solid: Solid) -> tuple[NDArray, NDArray]:
        unit = np.stack([solid.to_unit(ray) for ray in rays.reshape(-1, 3)])
        origin = solid.to_unit(camera.position - np.array(solid.centre))
        return interval(solid.shape, origin, tuple(unit.T))

    nearest = solve(hall)[1]
    for solid in solids:
        enter, leave = solve(solid)
        nearest = np.where((enter <= leave) & (enter > 0), np.minimum(nearest, enter), nearest)
    return nearest.reshape(camera.size)


def test_the_field_of_view_is_that_of_nyu_at_any_size() -> None:
    whole, half = (nyu_camera(np.zeros(3), 0, 0, 0, size) for size in ((480, 640), (240, 320)))
    # The middle between two pixels of the large picture is a pixel's middle of the small one.
    np.testing.assert_allclose(whole.columns().reshape(-1, 2).mean(axis=1), half.columns())
    np.testing.assert_allclose(whole.rows().reshape(-1, 2).mean(axis=1), half.rows())
    assert whole.columns()[0] == pytest.approx((1 - 325.582449) / 518.857901)


def test_the_camera_s_axes() -> None:
    camera = nyu_camera(np.zeros(3), 0.4, -0.3, 0.2)
    axes = np.stack([camera.right, camera.down, camera.forward])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(np.linalg.det(axes), 1)
    assert camera.forward[2] < 0
    ahead = nyu_camera(np.zeros(3), 0, 0, 0)
    np.testing.assert_allclose(ahead.forward, [1, 0, 0])
    np.testing.assert_allclose(ahead.right, [0, -1, 0])
    np.testing.assert_allclose(ahead.down, [0, 0, -1])
