"""Operators below the device's roof: what is reached, and what memory and arithmetic allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.charts.labels import place_labels, shorten
from bench.report.charts.svg import SERIES, draw_both, gridded
from depthbench.errors import CheckFailed
from depthbench.files import replacing_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS = (360, 420)
POINTS2_OF_ALL, SMALLEST_POINTS2, LARGEST_POINTS2 = 1200.0, 10.0, 300.0
NAMED = 3
LEAST_SHARE = 1e-3
"""Operators that take less of the time are not drawn: they would stretch the axes for nothing."""


def draw_roofline(roofline: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw what `bench.report.roofline.build_roofline` gives; None where no operator has both
    operations and bytes."""
    operators = _drawn(roofline)
    if not operators:
        return None
    return draw_both(lambda figure, narrow: _draw(figure, roofline, operators), name, HEIGHTS)


def save_roofline(roofline: Mapping[str, Any], title: str, path: Path) -> None:
    """The same chart as a file, whose ending names its format (png, svg, pdf).

    Raises CheckFailed where no operator has both operations and bytes.
    """
    from matplotlib.figure import Figure

    operators = _drawn(roofline)
    if not operators:
        raise CheckFailed(f"{title}: no operator multiplies, so there is nothing to draw")
    figure = Figure(figsize=(8, 5), layout="constrained")
    _draw(figure, roofline, operators)
    figure.suptitle(title)
    with replacing_file(path) as part:
        figure.savefig(part, format=path.suffix.lstrip(".") or "png", dpi=150)


def _drawn(roofline: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    counted = [operator for operator in roofline["operators"] if operator["intensity"]]
    return [operator for operator in counted if operator["share"] >= LEAST_SHARE]


def _draw(
    figure: Figure, roofline: Mapping[str, Any], operators: Sequence[Mapping[str, Any]]
) -> None:
    from matplotlib.ticker import LogLocator

    with gridded(figure.subplots()) as axes:
        axes.loglog()
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        x, y = ([operator[key] for operator in operators] for key in ("intensity", "gflops"))
        sizes = np.clip(
            [POINTS2_OF_ALL * operator["share"] for operator in operators],
            SMALLEST_POINTS2,
            LARGEST_POINTS2,
        )
        axes.scatter(x, y, sizes, color=SERIES[0], alpha=0.6, lw=0, zorder=3)
        if _draw_roof(axes, roofline, x):
            figure.legend(loc="outside upper left")
        axes.set_xlabel("operations a byte moved")
        axes.set_ylabel("GFLOP/s")
        places = list(zip(x, y, strict=True))
        names = [shorten(operator["operator"] or operator["name"]) for operator in operators]
        place_labels(axes, list(zip(names, places, strict=True))[:NAMED], places)


def _draw_roof(axes: Axes, roofline: Mapping[str, Any], intensities: list[float]) -> bool:
    peak, bandwidth = roofline["peak_gflops"], roofline["peak_gbytes_s"]
    span = np.geomspace(min(intensities) / 2, max(intensities) * 2, 100)
    roofs, told = [], []
    if peak:
        roofs.append(np.full_like(span, peak))
        told.append(f"{peak:.3g} GFLOP/s")
    if bandwidth:
        roofs.append(span * bandwidth)
        told.append(f"{bandwidth:.3g} GB/s")
    if roofs:
        label = f"roof: {', '.join(told)}"
        axes.plot(span, np.minimum.reduce(roofs), color=SERIES[1], lw=1.5, label=label)
    return bool(roofs)
