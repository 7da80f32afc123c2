"""Light a cast view: reflectance, lamps with falloff, soft shadows, corners, highlights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthnet.data.rooms.camera import downward_camera
from depthnet.data.rooms.cast import ROOM, cast
from depthnet.data.rooms.scene import Light, Scene, as_array
from depthnet.data.rooms.solids import Solid
from depthnet.data.rooms.surfaces.materials import Material
from depthnet.data.rooms.surfaces.textures import reflectance

Floats = NDArray[np.float32]

SHADOW_PIXELS = 320
SHADOW_WIDE = 2.8
"""Tangent of the half angle that the shadow map of the ceiling lamp covers: 70 degrees."""
SHADOW_BIAS = 0.05


@dataclass
class Surface:
    """What every pixel shows, as flat arrays over HW pixels: Nx3, Nx3, Nx3, N, N."""

    position: Floats
    normal: Floats
    colour: Floats
    glow: Floats
    gloss: Floats


def shade(scene: Scene, depth: NDArray, index: NDArray) -> Floats:
    """Light that reaches the camera, HxWx3 linear RGB, about 0 to 1, windows brighter."""
    surface = _surface(scene, depth, index)
    light = _ambient(scene, surface)
    gleam = np.zeros(len(light), np.float32)
    for number, lamp in enumerate(scene.lights):
        towards, falloff = _towards(lamp, surface.position)
        facing = np.maximum(_dot(towards, surface.normal), 0) * falloff
        if number == 0:
            facing *= _lit(scene, lamp, surface.position)
            gleam = _highlight(scene, towards, surface) * facing
        light += facing[:, None] * as_array(lamp.colour)
    seen = surface.colour * (light + surface.glow[:, None]) + gleam[:, None]
    return seen.reshape(*depth.shape, 3)


def _surface(scene: Scene, depth: NDArray, index: NDArray) -> Surface:
    position = np.stack([axis.ravel() for axis in scene.points(depth)], axis=1).astype(np.float32)
    count = len(position)
    surface = Surface(
        position,
        np.empty((count, 3), np.float32),
        np.empty((count, 3), np.float32),
        np.empty(count, np.float32),
        np.empty(count, np.float32),
    )
    flat = index.ravel()
    order = np.argsort(flat, kind="stable")
    numbers, starts = np.unique(flat[order], return_index=True)
    for number, pixels in zip(numbers, np.split(order, starts[1:]), strict=True):
        if number == ROOM:
            _paint_box(surface, pixels, scene.room, scene.faces, inside=True)
            continue
        solid = scene.solids[number]
        if solid.shape == "box":
            _paint_box(surface, pixels, solid, (solid.material,) * 6)
        else:
            _paint_round(surface, pixels, solid)
    return surface


def _to_unit(solid: Solid, points: Floats) -> Floats:
    offset = points - np.array(solid.centre, np.float32)
    c, s = np.float32(np.cos(solid.yaw)), np.float32(np.sin(solid.yaw))
    x = (c * offset[:, 0] + s * offset[:, 1]) / np.float32(solid.half[0])
    y = (c * offset[:, 1] - s * offset[:, 0]) / np.float32(solid.half[1])
    return np.stack([x, y, offset[:, 2] / np.float32(solid.half[2])], axis=1)


def _to_room(solid: Solid, normals: Floats) -> Floats:
    c, s = np.float32(np.cos(solid.yaw)), np.float32(np.sin(solid.yaw))
    x, y, z = normals.T
    return np.stack([c * x - s * y, s * x + c * y, z], axis=1)


def _paint_box(
    surface: Surface,
    pixels: NDArray,
    solid: Solid,
    faces: tuple[Material, ...],
    inside: bool = False,
) -> None:
    local = _to_unit(solid, surface.position[pixels])
    axis = np.abs(local).argmax(axis=1)
    for k in range(3):
        a, b = [(1, 2), (0, 2), (0, 1)][k]
        for side in (0, 1):
            chosen = (axis == k) & ((local[:, k] > 0) == bool(side))
            if not chosen.any():
                continue
            at, points = pixels[chosen], local[chosen]
            outward = np.zeros((1, 3), np.float32)
            outward[0, k] = 1 if bool(side) != inside else -1
            surface.normal[at] = _to_room(solid, outward)
            extent = (solid.half[a], solid.half[b])
            u, v = points[:, a] * np.float32(extent[0]), points[:, b] * np.float32(extent[1])
            _paint(surface, at, faces[2 * k + side], u, v, extent)


def _paint_round(surface: Surface, pixels: NDArray, solid: Solid) -> None:
    local = _to_unit(solid, surface.position[pixels])
    half = np.array(solid.half, np.float32)
    gradient = local / half
    if solid.shape == "cylinder":
        cap = np.abs(local[:, 2]) >= np.hypot(local[:, 0], local[:, 1])
        gradient[cap, :2] = 0
        gradient[~cap, 2] = 0
    else:
        cap = np.zeros(len(local), bool)
    gradient /= np.sqrt(_dot(gradient, gradient))[:, None]
    surface.normal[pixels] = _to_room(solid, gradient)
    x, y, z = (local * half).T
    around = np.arctan2(local[:, 1], local[:, 0]) * half[0]
    u, v = np.where(cap, x, around), np.where(cap, y, z)
    extent = (solid.half[0], solid.half[1] if cap.any() else solid.half[2])
    _paint(surface, pixels, solid.material, u, v, extent)


def _paint(
    surface: Surface, at: NDArray, of: Material, u: Floats, v: Floats, extent: tuple[float, float]
) -> None:
    surface.colour[at] = reflectance(of, u, v, extent)
    surface.glow[at] = of.glow
    surface.gloss[at] = of.gloss


def _dot(a: Floats, b: Floats) -> Floats:
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _towards(lamp: Light, position: Floats) -> tuple[Floats, Floats]:
    # Unit vectors to the lamp, and its light there: inverse square, bounded close by.
    towards = np.array(lamp.position, np.float32) - position
    squared = _dot(towards, towards)
    towards /= np.sqrt(squared + np.float32(1e-6))[:, None]
    return towards, np.float32(lamp.power) / (squared + np.float32(0.35))


def _ambient(scene: Scene, surface: Surface) -> Floats:
    # Light from everywhere, more from above, less in the corners that walls, floor and ceiling
    # make: each plane that a surface does not belong to takes its share close by.
    level = 0.8 + 0.3 * surface.normal[:, 2]
    for axis in range(3):
        at, away = surface.position[:, axis], surface.normal[:, axis]
        for distance, facing in ((at, away), (np.float32(scene.size[axis]) - at, -away)):
            near = np.float32(1) / (1 + (distance / np.float32(0.22)) ** 2)
            level *= 1 - np.float32(0.45) * near * (1 - np.abs(facing))
    return level[:, None] * as_array(scene.ambient)


def _lit(scene: Scene, lamp: Light, position: Floats) -> Floats:
    """Share of the lamp's light that is not in shadow, 0 to 1, from a map seen by the lamp."""
    eye = downward_camera(np.array(lamp.position), SHADOW_PIXELS, SHADOW_WIDE)
    casters = [s for s in scene.solids if not s.material.glow and s.centre[2] < lamp.position[2]]
    nearest, what = cast(eye, scene.room, casters)
    # The room is convex, so its own faces never shade one another.
    nearest = np.where(what == ROOM, np.inf, nearest).astype(np.float32)
    below = np.float32(lamp.position[2]) - position[:, 2]
    safe = np.maximum(below, np.float32(0.05))
    scale = np.float32(eye.focal[0]) / safe
    u = (position[:, 0] - np.float32(lamp.position[0])) * scale + np.float32(eye.centre[0])
    v = (np.float32(lamp.position[1]) - position[:, 1]) * scale + np.float32(eye.centre[1])
    edge = np.float32(SHADOW_PIXELS - 3)
    covered = (below > 0.05) & (u > 1) & (u < edge) & (v > 1) & (v < edge)
    i = np.clip(u, 1, edge).astype(np.int32)
    j = np.clip(v, 1, edge).astype(np.int32)
    table, start = nearest.ravel(), j * SHADOW_PIXELS + i
    total = np.zeros(len(position), np.float32)
    bias = np.float32(SHADOW_BIAS) * (1 + np.float32(0.3) * below)
    for offset in (-SHADOW_PIXELS - 1, 1, SHADOW_PIXELS, 2 * SHADOW_PIXELS + 2, 2):
        total += below < table[start + offset] + bias
    return np.where(covered, total / 5, np.float32(1))


def _highlight(scene: Scene, towards: Floats, surface: Surface) -> Floats:
    # Blinn and Phong; only where something shines.
    gleam = np.zeros(len(towards), np.float32)
    shiny = np.flatnonzero(surface.gloss > 0.02)
    view = scene.camera.position.astype(np.float32) - surface.position[shiny]
    view /= np.sqrt(_dot(view, view))[:, None]
    halfway = towards[shiny] + view
    halfway /= np.sqrt(_dot(halfway, halfway) + np.float32(1e-6))[:, None]
    cosine = np.maximum(_dot(halfway, surface.normal[shiny]), 0)
    for _ in range(5):  # to the 32nd power
        cosine = cosine * cosine
    gleam[shiny] = cosine * surface.gloss[shiny] * np.float32(0.6)
    return gleam
