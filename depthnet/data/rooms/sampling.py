"""Draw a room at random: its size, its use, its furniture, its light and the view of it."""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, pi, radians, sin

import numpy as np

from depthnet.data.rooms.camera import NYU_SIZE, Camera, nyu_camera
from depthnet.data.rooms.layout import Layout
from depthnet.data.rooms.objects import fittings, furniture, storage
from depthnet.data.rooms.objects.clutter import on_floor, on_top
from depthnet.data.rooms.objects.furniture import Piece
from depthnet.data.rooms.scene import Light, Scene
from depthnet.data.rooms.surfaces import finishes

Make = Callable[[np.random.Generator], Piece]

CLOSE_WALL = 1.7

BESIDE_CAMERA = 0.6
"""Metres between the camera and every wall; with the lens's field of view, 0.46 m of depth."""

USES: dict[str, tuple[tuple[Make, ...], tuple[Make, ...]]] = {
    "bedroom": (
        (furniture.bed, storage.nightstand, storage.cupboard, furniture.desk, storage.bookshelf,
         furniture.armchair, storage.nightstand, storage.plant),
        (furniture.chair,),
    ),
    "living room": (
        (furniture.sofa, storage.television, furniture.sofa, storage.bookshelf, storage.floor_lamp,
         furniture.armchair, storage.cupboard, storage.plant),
        (furniture.coffee_table, furniture.armchair, furniture.chair),
    ),
    "dining room": (
        (storage.cupboard, storage.bookshelf, storage.plant, storage.cupboard, furniture.chair),
        (furniture.table, furniture.chair, furniture.coffee_table),
    ),
    "kitchen": (
        (storage.kitchen, storage.appliance, storage.kitchen, storage.appliance, storage.cupboard,
         furniture.table),
        (furniture.table, furniture.chair, furniture.chair),
    ),
    "study": (
        (furniture.desk, storage.bookshelf, storage.bookshelf, storage.cupboard, furniture.desk,
         storage.bookshelf, storage.floor_lamp),
        (furniture.chair, furniture.chair, furniture.table),
    ),
}  # fmt: skip


def sample_scene(rng: np.random.Generator, size: tuple[int, int] = NYU_SIZE) -> Scene:
    """Draw a scene to be seen at `size` (height, width) pixels.

    No point of the room in view is nearer than 0.4 m or farther than 10 m along the optical
    axis: the room's diagonal is under 10 m, and nothing stands close to the camera.
    """
    room = _room(rng)
    camera = _view(rng, room, size)
    layout = Layout(room, (float(camera.position[0]), float(camera.position[1])))
    windows = _fit_walls(rng, layout)
    _furnish(rng, layout)
    solids = list(layout.solids)
    crowding = rng.uniform(3, 20)
    for top, (x, y, yaw) in layout.tops:
        solids += [thing.moved(x, y, 0.0, yaw) for thing in on_top(rng, top, crowding)]
    solids += fittings.skirting(room, finishes.painted(rng))
    lights = _lights(rng, layout, solids, windows)
    wall, accent = finishes.plaster(rng), finishes.plaster(rng)
    walls = [accent if rng.random() < 0.2 else wall for _ in range(4)]
    faces = (walls[0], walls[1], walls[2], walls[3], finishes.flooring(rng), finishes.ceiling(rng))
    level = rng.uniform(0.06, 0.25)
    warmth = rng.uniform(0.85, 1.15)
    ambient = (level * warmth, level, level / warmth)
    return Scene(room, faces, tuple(solids), lights, ambient, camera)


def _room(rng: np.random.Generator) -> tuple[float, float, float]:
    # Width, length and height; no diagonal is over 9.9 m.
    if rng.random() < 0.35:
        return rng.uniform(3.0, 4.3), rng.uniform(6.8, 8.5), rng.uniform(2.35, 2.7)
    return rng.uniform(2.6, 5.2), rng.uniform(2.9, 6.6), rng.uniform(2.35, 2.9)


def _view(
    rng: np.random.Generator, room: tuple[float, float, float], size: tuple[int, int]
) -> Camera:
    # A second place and heading if the first looks at a close wall, which people seldom take.
    x, y, heading = _standpoint(rng, room)
    if _reach(room, x, y, heading) < CLOSE_WALL:
        x, y, heading = _standpoint(rng, room)
    return nyu_camera(
        np.array([x, y, rng.uniform(0.95, 1.6)]),
        heading,
        pitch=radians(np.clip(rng.normal(-10, 8), -32, 8)),
        roll=radians(np.clip(rng.normal(0, 2.5), -7, 7)),
        size=size,
    )


def _standpoint(
    rng: np.random.Generator, room: tuple[float, float, float]
) -> tuple[float, float, float]:
    width, length, _ = room
    x = rng.uniform(BESIDE_CAMERA, width - BESIDE_CAMERA)
    y = rng.uniform(BESIDE_CAMERA, max(0.55 * length, BESIDE_CAMERA + 0.1))
    heading = atan2(rng.uniform(0.5, 1) * length - y, rng.uniform(-0.1, 1.1) * width - x)
    return x, y, heading + rng.normal(0, 0.15)


def _reach(room: tuple[float, float, float], x: float, y: float, heading: float) -> float:
    # Metres to the wall straight ahead.
    ahead_x, ahead_y = cos(heading), sin(heading)
    to_x = ((room[0] if ahead_x > 0 else 0) - x) / (ahead_x or 1e-9)
    to_y = ((room[1] if ahead_y > 0 else 0) - y) / (ahead_y or 1e-9)
    return min(to_x, to_y)


def _fit_walls(rng: np.random.Generator, layout: Layout) -> list[tuple[float, float]]:
    # Doors and windows first: furniture has to leave them free.
    layout.against_wall(rng, fittings.door(rng))
    windows = []
    for _ in range(rng.integers(0, 3)):
        if at := layout.against_wall(rng, fittings.window(rng), foot=0.75, walls="new"):
            windows.append(at)
    return windows


def _furnish(rng: np.random.Generator, layout: Layout) -> None:
    walls, open_floor = list(USES.values())[rng.integers(len(USES))]
    if rng.random() < 0.6:
        x, y = rng.uniform(0.3, 0.7) * layout.size[0], rng.uniform(0.35, 0.75) * layout.size[1]
        rug = fittings.rug(rng, *rng.uniform(1.0, 2.2, 2))
        layout.solids += [solid.moved(x, y, 0.0, rng.normal(0, 0.1)) for solid in rug]
    for number, make in enumerate(walls):
        if number < 2 or rng.random() < 0.75:
            layout.against_wall(rng, make(rng), walls="nnewew" if number < 3 else "nesw")
    for make in open_floor:
        piece = make(rng)
        at = layout.anywhere(rng, piece)
        if at and make is furniture.table:
            _seat(rng, layout, at, piece)
    for _ in range(rng.integers(1, 5)):
        layout.against_wall(rng, fittings.picture(rng), foot=1.1, walls="new")
    for _ in range(rng.integers(0, 11)):
        thing, radius = on_floor(rng)
        layout.anywhere(rng, _standing(thing, radius))


def _standing(thing: list, radius: float) -> Piece:
    # Turned about its own middle, a thing keeps within a square of its radius.
    return Piece(2 * radius, 2 * radius, 0.6, [part.moved(0.0, radius) for part in thing])


def _seat(
    rng: np.random.Generator, layout: Layout, table: tuple[float, float], piece: Piece
) -> None:
    # Chairs around a table, where they fit; they face about, which is how they are left.
    for _ in range(rng.integers(2, 6)):
        angle = rng.uniform(-pi, pi)
        away = rng.uniform(0.75, 1.3)
        x, y = table[0] + away * np.cos(angle), table[1] + piece.depth / 2 + away * np.sin(angle)
        layout.put(furniture.chair(rng), x, y, angle + pi / 2 + rng.normal(0, 0.4))


def _lights(
    rng: np.random.Generator, layout: Layout, solids: list, windows: list[tuple[float, float]]
) -> tuple[Light, ...]:
    width, length, height = layout.size
    x, y = rng.uniform(0.3, 0.7) * width, rng.uniform(0.35, 0.75) * length
    # A hanging lamp keeps its distance from the camera, as furniture does.
    if np.hypot(x - layout.eye[0], y - layout.eye[1]) > 1.0:
        solids += fittings.ceiling_lamp(rng, x, y, height)
    warm = rng.uniform(0.7, 1.0)
    lamp = Light((x, y, height - 0.12), (1.0, warm**0.5, warm), rng.uniform(1.2, 3.0))
    lights = [lamp]
    for wx, wy in windows:
        inside = (0.92 * wx + 0.04 * width, 0.92 * wy + 0.04 * length, 1.6)
        lights.append(Light(inside, (0.8, 0.9, 1.0), rng.uniform(0.3, 1.6)))
    eye = (layout.eye[0], layout.eye[1], height - 0.4)
    lights.append(Light(eye, (1.0, 0.95, 0.9), rng.uniform(0.1, 0.7)))
    return tuple(lights)
