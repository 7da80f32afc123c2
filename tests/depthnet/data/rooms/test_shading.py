"""Light against the laws it follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from depthnet.data.rooms.camera import Camera
from depthnet.data.rooms.cast import cast
from depthnet.data.rooms.scene import Light, Scene
from depthnet.data.rooms.sensor import photograph
from depthnet.data.rooms.shading import shade
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces.materials import Material

LAMP = Light((3.0, 3.5, 2.9), (1.0, 1.0, 1.0), 1.0)


@pytest.fixture
def scene(level: Camera, grey: Material) -> Scene:
    return Scene((6, 7, 3), (grey,) * 6, (), (LAMP,), (0.0, 0.0, 0.0), level)


def render(scene: Scene) -> np.ndarray:
    return shade(scene, *cast(scene.camera, scene.room, scene.solids))


def test_light_adds_up(scene: Scene) -> None:
    other = Light((1.0, 2.0, 2.0), (0.2, 0.5, 1.0), 0.7)
    both = render(replace(scene, lights=(LAMP, other)))
    # The first light alone casts shadows; in an empty room there are none.
    np.testing.assert_allclose(
        both, render(scene) + render(replace(scene, lights=(other,))), rtol=1e-4, atol=1e-6
    )


def test_a_lamp_falls_off_with_distance_and_angle(scene: Scene) -> None:
    light = render(scene)[..., 0]
    depth, _ = cast(scene.camera, scene.room, ())
    x, y, z = scene.points(depth)
    floor = z < 1e-6
    towards = np.stack([3.0 - x, 3.5 - y, 2.9 - z], axis=-1)[floor]
    squared = (towards**2).sum(axis=-1)
    law = towards[:, 2] / np.sqrt(squared) / (squared + 0.35)
    colour = light[floor] / law
    # What remains is the surface's reflectance, 0.5 give or take its mottling.
    assert abs(colour.mean() - 0.5) < 0.02
    assert colour.std() < 0.03


def test_a_table_shades_the_floor_below_it(scene: Scene, grey: Material) -> None:
    top = Solid("box", (3, 3.5, 1.0), (0.6, 0.6, 0.03), grey)
    covered = replace(scene, solids=(top,))
    depth, index = cast(scene.camera, scene.room, (top,))
    x, y, z = scene.points(depth)
    floor = (z < 1e-6) & (index == -1)
    # Shadow of the square, thrown from 2.9 m: larger by 2.9 / 1.9.
    reach = 0.6 * 2.9 / 1.9
    aside = np.maximum(np.abs(x - 3), np.abs(y - 3.5))
    dark, bright = floor & (aside < reach - 0.15), floor & (aside > reach + 0.15)
    assert dark.sum() > 50
    share = render(covered)[..., 0] / render(scene)[..., 0]
    assert share[dark].max() < 1e-6
    np.testing.assert_allclose(share[bright], 1, rtol=1e-5)


def test_what_glows_needs_no_light(scene: Scene, grey: Material) -> None:
    ball = Solid("ellipsoid", (3, 3, 1.5), (0.3, 0.3, 0.3), replace(grey, glow=2.0))
    dark = replace(scene, lights=(replace(LAMP, power=0.0),), solids=(ball,))
    light = render(dark)
    _, index = cast(scene.camera, scene.room, (ball,))
    np.testing.assert_allclose(light[index == 0].mean(), 1.0, atol=0.06)
    assert light[index == -1].max() == 0


def test_corners_get_less_of_the_light_from_everywhere(scene: Scene) -> None:
    even = replace(scene, lights=(replace(LAMP, power=0.0),), ambient=(1.0, 1.0, 1.0))
    light = render(even)[..., 0]
    depth, _ = cast(scene.camera, scene.room, ())
    x, _, z = scene.points(depth)
    back = np.abs(depth - 6) < 1e-9
    middle, corner = back & (np.abs(x - 3) < 1), back & (x < 0.2)
    assert light[middle].mean() > 1.15 * light[corner & (z > 0.8) & (z < 2.2)].mean()


def test_a_photograph_is_exposed_noisy_and_repeatable() -> None:
    light = np.full((64, 80, 3), 7.0, np.float32)
    light[:, 40:] = 20.0
    first, again, other = (photograph(light, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert 60 < first[:, :35].mean() < 190
    assert first[:, 45:].mean() > first[:, :35].mean() + 25
    assert 0.3 < first[:, 5:30].astype(float).std(axis=(0, 1)).mean() < 12
