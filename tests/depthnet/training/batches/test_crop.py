"""Crops and their rays: a plane stays the plane that it is, however it was cropped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from depthnet.data.rooms.camera import nyu_camera
from depthnet.training.batches.augmentation import Augmentation
from depthnet.training.batches.crop import Crop, crop_and_scale, rays_of
from depthnet.training.batches.loader import Batches
from depthnet.training.batches.samples import Samples
from depthnet.training.objectives.normals import normals, points
from depthnet.training.recipe import Recipe

NORMAL = torch.tensor([0.3, -0.4, 0.866], dtype=torch.float64)
DISTANCE = 2.0
WHOLE = (480, 640)


def crop(zoom: float, x: float, y: float, angle: float) -> Crop:
    return Crop(*(torch.tensor([v], dtype=torch.float64) for v in (zoom, (x, y), angle)))


def plane(rays: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The depth of all points with NORMAL . point = DISTANCE, in closed form."""
    directions = points(torch.ones(len(rays), 1, *size, dtype=rays.dtype), rays)
    return DISTANCE / (directions * NORMAL[:, None, None].to(rays.dtype)).sum(dim=1, keepdim=True)


def whole_rays(mirrored: bool = False) -> torch.Tensor:
    return rays_of(crop(1.0, 0.0, 0.0, 0.0), torch.tensor([mirrored]), WHOLE[1] / WHOLE[0])


@pytest.mark.parametrize("size", [(480, 640), (96, 96), (30, 40)])
def test_the_rays_of_a_whole_picture_are_those_of_nyus_camera(size: tuple[int, int]) -> None:
    camera = nyu_camera(np.zeros(3), 0.0, 0.0, 0.0, size)
    x, y, _ = points(torch.ones(1, 1, *size, dtype=torch.float64), whole_rays())[0]
    np.testing.assert_allclose(x, np.broadcast_to(camera.columns(), size), atol=1e-12)
    np.testing.assert_allclose(y, np.broadcast_to(camera.rows()[:, None], size), atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    zoom=st.floats(1.0, 2.0),
    x=st.floats(-1.0, 1.0),
    y=st.floats(-1.0, 1.0),
    angle=st.floats(-0.1, 0.1),
    mirrored=st.booleans(),
)
def test_a_plane_keeps_its_normal_and_comes_nearer_by_the_zoom(
    zoom: float, x: float, y: float, angle: float, mirrored: bool
) -> None:
    size = (96, 128)
    changed = crop(zoom, x, y, angle)
    depth = plane(whole_rays(), WHOLE)
    cut = crop_and_scale(depth, depth, changed, size)[1]
    cut = cut.flip(-1) if mirrored else cut
    rays = rays_of(changed, torch.tensor([mirrored]), WHOLE[1] / WHOLE[0])
    seen = points(cut, rays)
    known = cut > 0
    assert known.double().mean() > 0.8
    distances = (seen * NORMAL[:, None, None]).sum(dim=1, keepdim=True) * zoom
    # Nearest neighbours are up to half a pixel away.
    assert bool(((distances - DISTANCE).abs()[known] < 0.01).all())
    inside = (slice(None), slice(None), slice(1, -2), slice(1, -2))
    cosine = (normals(seen, 16)[inside] * NORMAL[:, None, None]).sum(dim=1).abs()
    assert bool((cosine > 0.998).all())


def test_batches_give_the_rays_of_what_they_changed() -> None:
    whole = plane(whole_rays(), (240, 320)).half()
    names = tuple("abcd")
    images = torch.zeros(4, 3, 240, 320, dtype=torch.uint8)
    samples = Samples(names, images, whole.expand(4, -1, -1, -1))
    recipe = Recipe(name="test", batch=4, augmentation=Augmentation(zoom=1.5, rotation=3.0))
    _, depth, rays = Batches(samples, recipe, (96, 128), seed=0).get(0, 0)
    distances = (points(depth, rays) * NORMAL[:, None, None]).sum(dim=1, keepdim=True)
    for row in range(4):
        found = distances[row][depth[row] > 0]
        # All four zooms differ, and each plane is as near as its own says.
        assert found.std() / found.mean() < 0.01
        assert 1.0 / 1.5 <= found.mean() / DISTANCE <= 1.001
    assert len({round(d.median().item(), 3) for d in distances}) == 4
