"""A furnished, lit room and the camera in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthnet.data.rooms.camera import Camera
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces.materials import Colour, Material


@dataclass(frozen=True)
class Light:
    """A point light; `power`: what a white surface facing it 1 m away reflects."""

    position: tuple[float, float, float]
    colour: Colour
    power: float


@dataclass(frozen=True, eq=False)
class Scene:
    """A room from the origin to `size` (x, y, z in metres; z up) and everything in it.

    `faces`: materials of the walls at x = 0 and x = width, at y = 0 and y = length, of the
    floor and of the ceiling. The first light casts shadows. `ambient`: light from everywhere.
    """

    size: tuple[float, float, float]
    faces: tuple[Material, Material, Material, Material, Material, Material]
    solids: tuple[Solid, ...]
    lights: tuple[Light, ...]
    ambient: Colour
    camera: Camera

    @property
    def room(self) -> Solid:
        """The room as a solid, seen from inside."""
        half = (self.size[0] / 2, self.size[1] / 2, self.size[2] / 2)
        return Solid("box", half, half, self.faces[0])

    def points(self, depth: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Room coordinates of every pixel's surface: x, y and z, each HxW."""
        camera = self.camera
        across, down = camera.columns()[None, :], camera.rows()[:, None]
        x, y, z = (
            (across * camera.right[axis] + (down * camera.down[axis] + camera.forward[axis]))
            * depth
            + camera.position[axis]
            for axis in range(3)
        )
        return x, y, z


def as_array(colour: Colour) -> NDArray[np.float32]:
    """A colour as 3 float32 values."""
    return np.array(colour, np.float32)
