"""Make a photograph of linear light: exposure, white balance, blur, noise, 8-bit sRGB."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

LEVELS, BRIGHTEST = 16384, 4.0
MIDDLE = 0.18
"""Linear level that contrast turns about: a grey card's."""


def photograph(light: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Linear RGB, HxWx3, as a handheld camera records it: HxWx3 uint8 sRGB."""
    exposure = rng.lognormal(np.log(1.05 * MIDDLE), 0.4) / max(float(np.median(light)), 1e-3)
    balance = np.array([rng.uniform(0.94, 1.25), 1.0, rng.uniform(0.8, 1.08)], np.float32)
    exposed = light * (np.float32(min(exposure, 8.0)) * balance)
    exposed *= _vignette(light.shape[:2], rng.uniform(0, 0.3))[:, :, None]
    level = np.clip(exposed, 0, BRIGHTEST) * np.float32((LEVELS - 1) / BRIGHTEST)
    coded = _tone_curve(rng.uniform(1.2, 1.9))[level.astype(np.int32)]
    blurred = Image.fromarray(coded).filter(ImageFilter.GaussianBlur(rng.uniform(0.45, 0.9)))
    pixels = np.asarray(blurred).astype(np.float32)
    strength = np.float32(rng.uniform(1.0, 4.5))
    noise = rng.standard_normal(pixels.shape, np.float32)
    # Sensors give the dark the larger share once coded as sRGB.
    pixels += noise * (strength * (np.float32(1.3) - pixels / np.float32(255)))
    return np.clip(pixels + np.float32(0.5), 0, 255).astype(np.uint8)


def _tone_curve(contrast: float) -> NDArray[np.uint8]:
    # Linear light to coded level: contrast about the middle, a soft shoulder, then sRGB.
    linear = np.linspace(0, BRIGHTEST, LEVELS)
    steep = MIDDLE * (linear / MIDDLE) ** contrast
    level = np.minimum(steep * (1 + 0.12 * steep) / (1 + 0.35 * steep), 1)
    curve = np.where(level <= 0.0031308, 12.92 * level, 1.055 * level ** (1 / 2.4) - 0.055)
    return np.round(curve * 255).astype(np.uint8)


def _vignette(size: tuple[int, ...], strength: float) -> NDArray[np.float32]:
    y = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    return np.float32(1) - np.float32(strength / 2) * (x * x + y * y)
