"""Operators below the device's roof: what is reached, and what memory and arithmetic allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.report.charts.labels import place_labels
from bench.report.charts.svg import FAINT, INK, SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHTS = (360, 420)
LARGEST_POINTS2 = 300.0
NAMED = 3


def draw_roofline(roofline: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw what `bench.report.roofline.build_roofline` gives; None where no operator has both
    operations and bytes."""
    operators = [operator for operator in roofline["operators"] if operator["intensity"]]
    if not operators:
        return None

    def draw(figure: Figure, narrow: bool) -> None:
        with gridded(figure.subplots()) as axes:
            axes.loglog()
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter("{x:g}")
                axis.set_minor_formatter("")
            x, y = ([operator[key] for operator in operators] for key in ("intensity", "gflops"))
            sizes = [max(12.0, LARGEST_POINTS2 * operator["share"]) for operator in operators]
            axes.scatter(x, y, sizes, color=SERIES[0], alpha=0.6, lw=0, zorder=3)
            _draw_roof(axes, roofline, x)
            axes.set_xlabel("operations a byte moved")
            axes.set_ylabel("GFLOP/s")
            places = list(zip(x, y, strict=True))
            names = [operator["operator"] or operator["name"] for operator in operators]
            place_labels(axes, list(zip(names, places, strict=True))[:NAMED], places)

    return draw_both(draw, name, HEIGHTS)


def _draw_roof(axes: Axes, roofline: Mapping[str, Any], intensities: list[float]) -> None:
    peak, bandwidth = roofline["peak_gflops"], roofline["peak_gbytes_s"]
    span = np.geomspace(min(intensities) / 2, max(intensities) * 2, 100)
    roofs = [np.full_like(span, peak)] if peak else []
    roofs += [span * bandwidth] if bandwidth else []
    if not roofs:
        return
    axes.plot(span, np.minimum.reduce(roofs), color=SERIES[1], lw=1.5)
    if peak:
        axes.annotate(
            f"peak {peak:.3g} GFLOP/s",
            (span[-1], peak),
            xytext=(0, 4),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
        axes.axhline(peak, color=FAINT, lw=0.5)
