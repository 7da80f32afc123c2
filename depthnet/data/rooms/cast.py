"""What each ray of a camera meets first, and at which depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from depthnet.data.rooms.camera import Camera, dot
from depthnet.data.rooms.solids import Rays, Solid, interval

ROOM = -1
"""Index of the room's own walls, floor and ceiling."""

NEAR = 1e-3
TIE = 1 - 1e-9
Window = tuple[slice, slice]


def cast(
    camera: Camera, room: Solid, solids: Sequence[Solid]
) -> tuple[NDArray[np.float64], NDArray[np.int16]]:
    """Depth of the first surface along every ray, and the index of the solid it belongs to.

    The camera is inside `room`, a box whose inner faces close the view, and outside every
    solid. Depth: HxW float64, metres along the optical axis; index: HxW, ROOM for the room.
    """
    x, y = camera.columns(), camera.rows()
    _, depth = interval("box", *_local(camera, room, x, y))
    index = np.full(depth.shape, ROOM, np.int16)
    for number, solid in enumerate(solids):
        window = _window(camera, solid, x, y)
        if window is None:
            continue
        rows, columns = window
        enter, leave = interval(solid.shape, *_local(camera, solid, x[columns], y[rows]))
        nearest = depth[window]
        # Of faces in one plane the first keeps the pixel: rounding shall not mottle them.
        hit = (enter <= leave) & (enter > NEAR) & (enter < nearest * TIE)
        np.copyto(nearest, enter, where=hit)
        np.copyto(index[window], np.int16(number), where=hit)
    return depth, index


def _local(
    camera: Camera, solid: Solid, x: NDArray, y: NDArray
) -> tuple[NDArray[np.float64], Rays]:
    origin = solid.to_unit(camera.position - np.array(solid.centre))
    right, down, forward = map(solid.to_unit, (camera.right, camera.down, camera.forward))
    dx, dy, dz = (
        x[None, :] * right[axis] + (y[:, None] * down[axis] + forward[axis]) for axis in range(3)
    )
    return origin, (dx, dy, dz)


def _window(
    camera: Camera, solid: Solid, x: NDArray[np.float64], y: NDArray[np.float64]
) -> Window | None:
    # The pixels that a solid can cover, from its corners; None when it is out of view.
    offset = solid.corners() - camera.position
    right, down, depth = (dot(offset, axis) for axis in (camera.right, camera.down, camera.forward))
    # Wholly beyond one of the planes through the eye and an edge of the picture: this holds
    # for corners behind the camera too, where projection would not.
    for across, ends in ((right, x[[0, -1]]), (down, y[[0, -1]])):
        if (across < ends[0] * depth).all() or (across > ends[1] * depth).all():
            return None
    if (depth <= NEAR).all():
        return None
    if (depth <= NEAR).any():
        return slice(0, len(y)), slice(0, len(x))
    return _covered(down / depth, y), _covered(right / depth, x)


def _covered(projected: NDArray, grid: NDArray) -> slice:
    # One pixel more on each side, against rounding.
    first, last = np.searchsorted(grid, (projected.min(), projected.max()))
    return slice(max(int(first) - 1, 0), int(last) + 1)
