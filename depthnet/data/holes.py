"""Fill the holes of a measured depth map along the colours of its image."""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.sparse.linalg import splu

from depthbench.errors import InputError

GREY = (0.2989, 0.5870, 0.1140)
OFFSETS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0))
# NYU's constants: the share of a window's variance that the weights are normalised by; the
# least weight of a pixel's most similar neighbour, so that no pixel is cut off; and the least
# normaliser, for windows of one grey.
VARIANCE_SHARE = 0.6
LEAST_WEIGHT = 0.01
LEAST_VARIANCE = 2e-6


def fill_holes(
    image: NDArray[np.uint8], depth: NDArray[np.floating], *, fidelity: float = math.inf
) -> NDArray[np.float32]:
    """Give every pixel a depth by colorisation (Levin, Lischinski and Weiss, 2004).

    `image`: HxWx3 uint8 RGB; `depth`: HxW metres, 0 where there is no measurement (as are NaN,
    infinite and negative values). Each pixel's depth becomes the weighted mean of its eight
    neighbours', more of those with a similar grey, so that depth spreads within surfaces and
    stops at their edges; weights and constants are those of the NYU Depth v2 toolbox
    (`fill_depth_colorization`). `fidelity` is how much a measurement weighs against that mean:
    by default it holds exactly, as in Levin; the toolbox uses 1, which smooths the measured
    pixels too. The result is HxW float32 and lies within the range of the measurements; a map
    without holes comes back as it is where measurements hold. Raises InputError when shapes or
    types differ from these, `fidelity` is not above 0, or no pixel is measured.
    """
    _check(image, depth, fidelity)
    measured = np.isfinite(depth) & (depth > 0)
    if not measured.any():
        raise InputError("depth without a single measured pixel: there is nothing to fill it from")
    metres = np.where(measured, depth, 0).astype(np.float32)
    exact = math.isinf(fidelity)
    free = ~measured.ravel() if exact else np.ones(measured.size, bool)
    if not free.any():
        return metres
    known = metres.ravel().astype(np.float64)
    means = _neighbour_means(image @ np.array(GREY) / 255.0)[free]
    if exact:
        diagonal, right = np.ones(len(means.indptr) - 1), means @ known
    else:
        trust = fidelity * measured.ravel()
        diagonal, right = 1.0 + trust, trust * known
    filled = known.copy()
    filled[free] = _solve(scipy.sparse.diags_array(diagonal) - means[:, free], right)
    # The solution lies within the measurements; rounding may leave them by a last digit.
    measurements = metres[measured]
    within = filled.astype(np.float32).clip(measurements.min(), measurements.max())
    return within.reshape(depth.shape)


def _check(image: NDArray, depth: NDArray, fidelity: float) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"an image of {image.shape} {image.dtype}", advice="give 8-bit RGB, HxWx3")
    if depth.shape != image.shape[:2]:
        raise InputError(
            f"an image of {image.shape[:2]} and depth of {depth.shape}",
            advice="give both at the same size",
        )
    if not np.issubdtype(depth.dtype, np.floating):
        raise InputError(f"depth of type {depth.dtype}", advice="give metres as floats")
    if not fidelity > 0:
        raise InputError(f"fidelity {fidelity}", advice="give a number above 0, or infinity")


def _neighbour_means(grey: NDArray[np.float64]) -> scipy.sparse.csr_array:
    """Each pixel's mean over its neighbours as a row of weights that add up to 1.

    `grey`: HxW in [0, 1]. The weight of a neighbour is exp(-difference^2 / s), with s from the
    variance of the 3x3 window (what of it lies in the image).
    """
    H, W = grey.shape
    padded = np.pad(grey, 1, constant_values=np.nan)
    index = np.pad(np.arange(H * W).reshape(H, W), 1, constant_values=-1)
    shifted = np.stack([padded[1 + dy : H + 1 + dy, 1 + dx : W + 1 + dx] for dy, dx in OFFSETS])
    columns = np.stack([index[1 + dy : H + 1 + dy, 1 + dx : W + 1 + dx] for dy, dx in OFFSETS])
    inside = columns >= 0
    square = np.where(inside, shifted - grey, 1.0) ** 2
    window = np.concatenate((shifted, grey[None]))
    least = square.min(axis=0) / -math.log(LEAST_WEIGHT)
    spread = np.maximum(VARIANCE_SHARE * np.nanvar(window, axis=0), least)
    weights = np.where(inside, np.exp(-square / np.maximum(spread, LEAST_VARIANCE)), 0.0)
    weights /= np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    rows = np.broadcast_to(np.arange(H * W).reshape(H, W), columns.shape)
    entries = (weights[inside], (rows[inside], columns[inside]))
    return scipy.sparse.csr_array(entries, shape=(H * W, H * W))


def _solve(matrix: scipy.sparse.sparray, right: NDArray[np.float64]) -> NDArray[np.float64]:
    # The matrix is an M-matrix with a symmetric pattern: it needs no pivoting, and an ordering
    # for symmetric patterns fills in several times less than the default one.
    factors = splu(
        matrix.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    return factors.solve(right)
