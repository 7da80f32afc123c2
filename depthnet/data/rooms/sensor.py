"""Make a photograph of linear light: exposure, white balance, blur, noise, 8-bit sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

LEVELS = 4096


def photograph(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Linear RGB, HxWx3, as a handheld camera records it: HxWx3 uint8 sRGB."""
    brightness = light.mean(axis=2)
    exposure = rng.uniform(0.13, 0.28) / max(float(np.median(brightness)), 1e-3)
    balance = np.array([rng.uniform(0.94, 1.2), 1.0, rng.uniform(0.84, 1.06)], np.float32)
    exposed = light * (np.float32(min(exposure, 6.0)) * balance)
    exposed *= _vignette(light.shape[:2], rng.uniform(0, 0.25))[:, :, None]
    # A shoulder instead of a hard clip, as films and camera curves have.
    exposed = exposed * (1 + exposed * np.float32(0.12)) / (1 + exposed * np.float32(0.35))
    coded = _srgb(exposed)
    blurred = Image.fromarray(coded).filter(ImageFilter.GaussianBlur(rng.uniform(0.45, 0.9)))
    pixels = np.asarray(blurred).astype(np.float32)
    strength = np.float32(rng.uniform(1.0, 4.5))
    noise = rng.standard_normal(pixels.shape, np.float32)
    # Sensors give the dark the larger share once coded as sRGB.
    pixels += noise * (strength * (np.float32(1.3) - pixels / np.float32(255)))
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def _srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    level = np.arange(LEVELS) / (LEVELS - 1)
    curve = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    table = np.round(curve * 255).astype(np.uint8)
    return table[(np.clip(linear, 0, 1) * np.float32(LEVELS - 1)).astype(np.int32)]


def _vignette(size: tuple[int, ...], strength: float) -> NDArray[np.float32]:
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    return np.float32(1) - np.float32(strength / 2) * (x * x + y * y)
