from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from depthnet.data.rooms.surfaces.materials import Material, Texture
from depthnet.data.rooms.surfaces.noise import PERIOD, cell, smooth
from depthnet.data.rooms.surfaces.textures import FITTED, TILED, reflectance

GRID = np.linspace(-1, 1, 200, dtype=np.float32)
U, V = (axis.ravel() for axis in np.meshgrid(GRID, GRID))


def paint(texture: Texture, scale: float = 0.2) -> np.ndarray:
    material = Material(texture, (0.8, 0.2, 0.1), (0.1, 0.2, 0.8), scale=scale, offset=0.3)
    return reflectance(material, U, V, (1.0, 1.0)).reshape(200, 200, 3)


def test_every_texture_has_one_pattern() -> None:
    assert {*TILED, *FITTED} == set(get_args(Texture))
    assert not {*TILED} & {*FITTED}


@pytest.mark.parametrize("texture", get_args(Texture))
def test_reflectance_is_plausible_and_patterned(texture: Texture) -> None:
    colours = paint(texture)
    assert colours.dtype == np.float32
    assert np.isfinite(colours).all()
    assert colours.min() >= 0
    assert colours.max() <= 1.6
    assert colours.std(axis=(0, 1)).max() > 0.003


def test_tiles_repeat_at_their_scale() -> None:
    # Joints of the second colour: blue over red, every 0.2 m.
    blue = paint("tiles")[:, :, 2] > paint("tiles")[:, :, 0]
    joints = blue[100 + 5]  # a row through the tiles' middles
    starts = np.flatnonzero(np.diff(joints.astype(int)) == 1)
    np.testing.assert_allclose(np.diff(starts) * (2 / 199), 0.2, atol=0.011)
    assert 0.05 < blue.mean() < 0.2


def test_noise_is_centred_bounded_and_smooth() -> None:
    side = np.arange(PERIOD, dtype=np.float32) * (16 / PERIOD)
    u, v = np.meshgrid(side, side)
    values = smooth(u, v, 1.0)
    assert np.abs(values).max() <= 1
    assert abs(values.mean()) < 0.1
    assert values.std() > 0.1
    assert np.abs(np.diff(values, axis=1)).mean() < 0.3 * values.std()


def test_cells_differ_and_repeat() -> None:
    i = np.arange(1000)
    assert len(np.unique(cell(i))) > 500
    np.testing.assert_array_equal(cell(i, 3), cell(i, 3))
    assert (cell(i, 3) != cell(i, 4)).mean() > 0.9
    assert 0.45 < cell(i).mean() < 0.55
