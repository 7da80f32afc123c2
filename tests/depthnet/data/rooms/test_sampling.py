"""Rooms drawn at random: their geometry against signed distances, their depths against NYU's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthnet.data.rooms.cast import ROOM, cast
from depthnet.data.rooms.sampling import sample_scene
from depthnet.data.rooms.scene import Scene
from depthnet.data.rooms.solids import Solid

SIZE = (45, 60)


def draw(seed: int, size: tuple[int, int] = SIZE) -> Scene:
    return sample_scene(np.random.Generator(np.random.PCG64(seed)), size)


def level(solid: Solid, points: NDArray) -> NDArray[np.float64]:
    """1 on a solid's surface, less inside, from its definition; points are Nx3."""
    c, s = np.cos(-solid.yaw), np.sin(-solid.yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    local = np.abs((points - solid.centre) @ turn.T) / solid.half
    if solid.shape == "box":
        return local.max(axis=1)
    if solid.shape == "ellipsoid":
        return np.linalg.norm(local, axis=1)
    return np.maximum(np.hypot(local[:, 0], local[:, 1]), local[:, 2])


@pytest.mark.parametrize("seed", range(4))
def test_depth_ends_on_the_first_surface(seed: int) -> None:
    scene = draw(seed)
    depth, index = cast(scene.camera, scene.room, scene.solids)
    camera = scene.camera
    x, y = np.meshgrid(camera.columns(), camera.rows())
    rays = x[..., None] * camera.right + y[..., None] * camera.down + camera.forward
    ends = camera.position + depth[..., None] * rays
    np.testing.assert_allclose(np.stack(scene.points(depth), axis=-1), ends, atol=1e-12)
    for number in np.unique(index):
        solid = scene.room if number == ROOM else scene.solids[number]
        np.testing.assert_allclose(level(solid, ends[index == number]), 1, atol=1e-7)
    for share in np.linspace(0, 0.9999, 12):
        before = (camera.position + share * depth[..., None] * rays).reshape(-1, 3)
        assert (level(scene.room, before) < 1).all()
        for solid in scene.solids:
            assert (level(solid, before) > 1 - 1e-9).all()


@pytest.fixture(scope="module")
def depths() -> NDArray[np.float64]:
    scenes = [draw(seed, (30, 40)) for seed in range(100, 180)]
    return np.stack([cast(s.camera, s.room, s.solids)[0] for s in scenes])


def test_depth_keeps_to_the_range_of_the_sensor(depths: NDArray) -> None:
    assert depths.min() > 0.4
    assert depths.max() < 10


def test_depths_are_spread_like_nyu_s(depths: NDArray) -> None:
    # NYU's 654 test images: 5th percentile 1.20 m, median 2.53 m, 95th 5.35 m.
    low, median, high = np.percentile(depths, [5, 50, 95])
    assert 0.9 < low < 1.6
    assert 2.2 < median < 3.0
    assert 4.2 < high < 6.2
    # The upper rows look over the room, the lower ones at the floor by one's feet.
    assert depths[:, :10].mean() > depths[:, -5:].mean() + 0.4


def test_rooms_are_cluttered() -> None:
    counts = [len(draw(seed).solids) for seed in range(20)]
    assert np.median(counts) > 50
    assert max(counts) < 1000


def test_the_scene_does_not_depend_on_the_picture_s_size() -> None:
    small, large = draw(3, (30, 40)), draw(3, (480, 640))
    assert small.solids == large.solids
    assert small.faces == large.faces
    assert small.lights == large.lights
