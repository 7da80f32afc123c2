"""Normals of depth: those of planes and their angles, in closed form."""

from __future__ import annotations

import math

import pytest
import torch

from depthnet import depth_space
from depthnet.training.batches.crop import Crop, rays_of
from depthnet.training.objectives.normals import CELLS, normal_error, normals, points
from depthnet.training.objectives.objective import Objective
from depthnet.training.recipe import Recipe

SIZE = (64, 96)
RAYS = rays_of(
    Crop(torch.ones(1), torch.zeros(1, 2), torch.zeros(1)), torch.tensor([False]), 1.5
).double()


def plane(tilt: float) -> torch.Tensor:
    """Depth of a wall 3 m ahead, turned by `tilt` radians about the vertical axis."""
    directions = points(torch.ones(1, 1, *SIZE, dtype=torch.float64), RAYS)
    normal = torch.tensor([math.sin(tilt), 0.0, math.cos(tilt)], dtype=torch.float64)
    return 3.0 / (directions * normal[:, None, None]).sum(dim=1, keepdim=True)


def everywhere() -> torch.Tensor:
    return torch.ones(1, 1, *SIZE, dtype=torch.bool)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("tilt", [-0.7, 0.0, 0.4])
def test_a_slanted_plane_has_one_normal(cell: int, tilt: float) -> None:
    found = normals(points(plane(tilt), RAYS), cell)
    expected = torch.tensor([math.sin(tilt), 0.0, math.cos(tilt)], dtype=torch.float64)
    torch.testing.assert_close(found, expected[:, None, None].expand_as(found[0])[None])


@pytest.mark.parametrize(("one", "other"), [(0.0, 0.3), (-0.5, 0.4), (0.2, 0.2)])
def test_the_error_of_two_planes_is_that_of_their_angle(one: float, other: float) -> None:
    error = normal_error(plane(one), plane(other), everywhere(), RAYS)
    assert error.item() == pytest.approx(1.0 - math.cos(one - other), abs=1e-9)


def test_a_factor_off_everywhere_is_no_error_of_normals() -> None:
    wavy = 3.0 + 0.2 * torch.rand(1, 1, *SIZE, dtype=torch.float64)
    assert normal_error(1.7 * wavy, wavy, everywhere(), RAYS).item() == pytest.approx(0, abs=1e-9)


def test_what_is_unknown_has_neither_value_nor_gradient() -> None:
    known = everywhere()
    known[..., 20:30, 30:50] = False
    truth = torch.where(known, plane(0.3), 0.0)
    values = []
    for wrong in (1.0, 7.0):
        prediction = torch.where(known, plane(0.1), wrong).requires_grad_()
        error = normal_error(prediction, truth, known, RAYS)
        error.backward()
        assert prediction.grad is not None
        assert prediction.grad.isfinite().all()
        assert not prediction.grad[~known].any()
        assert prediction.grad[known].any()
        values.append(error.item())
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    assert values[0] == pytest.approx(1.0 - math.cos(0.2), rel=1e-6)


def test_without_depth_or_room_for_a_surface_nothing_is_lost() -> None:
    depth, nowhere = torch.ones(1, 1, *SIZE, dtype=torch.float64), ~everywhere()
    assert normal_error(depth, 0 * depth, nowhere, RAYS).item() == 0.0
    corner = (slice(None), slice(None), slice(6), slice(6))
    assert normal_error(depth[corner], depth[corner], everywhere()[corner], RAYS).item() == 0.0


@pytest.mark.parametrize("space", ["normal", "inverse"])
def test_the_objective_adds_the_error_in_metres(space: depth_space.DepthSpace) -> None:
    prediction = depth_space.encode(plane(0.1), space)
    plain, with_normals = (
        Objective(Recipe(name="test", loss=loss), space)(prediction, plane(0.3), RAYS)
        for loss in ("bmix-ratio", "bmix-ratio-normals")
    )
    assert (with_normals - plain).item() == pytest.approx(5.0 * (1.0 - math.cos(0.2)), rel=1e-6)
