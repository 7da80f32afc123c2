"""Cameras of which the rays are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from depthnet.data.rooms.camera import Camera
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces.materials import Material

GREY = Material("plain", (0.5, 0.5, 0.5))


@pytest.fixture
def grey() -> Material:
    """A material, where none matters."""
    return GREY


@pytest.fixture
def level() -> Camera:
    """At (3, 1, 1.5), looking along y, 81x61 pixels, focal length 50, the axis in the middle."""
    return Camera(
        position=np.array([3.0, 1.0, 1.5]),
        right=np.array([1.0, 0.0, 0.0]),
        down=np.array([0.0, 0.0, -1.0]),
        forward=np.array([0.0, 1.0, 0.0]),
        size=(61, 81),
        focal=(50.0, 50.0),
        centre=(40.0, 30.0),
    )


@pytest.fixture
def hall() -> Solid:
    """A room 6 m wide, 7 m long, 3 m high."""
    return Solid("box", (3, 3.5, 1.5), (3, 3.5, 1.5), GREY)
