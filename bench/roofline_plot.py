"""A profile as a roofline chart (Williams, Waterman and Patterson 2009)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.profile import achieved


def plot_roofline(profile: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw every operator that multiplies, as large as its time, and the device's roof.

    What lies above its slope took its operands from the caches.

    The file's ending names its format (png, svg, pdf).
    """
    import numpy as np
    from boltons.fileutils import atomic_save
    from matplotlib.figure import Figure

    rows = [(row, achieved(row, profile)) for row in profile["operators"]]
    points = [(found, row["ms"]) for row, found in rows if found["gflops"] is not None]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    intensities = np.array([found["intensity"] for found, _ in points], float)
    longest = max(ms for _, ms in points)
    axes.scatter(
        intensities,
        np.array([found["gflops"] for found, _ in points], float),
        s=[10 + 200 * ms / longest for _, ms in points],
        alpha=0.5,
        label="operators, area by time",
    )
    line = np.geomspace(intensities.min() / 2, intensities.max() * 2, 200)
    roof = np.full_like(line, profile["peak_gflops"])
    if profile["peak_gbytes_s"]:
        roof = np.minimum(roof, line * profile["peak_gbytes_s"])
    axes.loglog(line, roof, color="black", label="multiply-adds and main memory, measured")
    axes.set(title=title, xlabel="operations a byte moved at the least", ylabel="GFLOP/s")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    with atomic_save(str(path), overwrite=True) as file:
        figure.savefig(file, format=path.suffix.lstrip(".") or "png", dpi=150)
