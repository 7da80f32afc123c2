"""Where names of points go so that they can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.charts.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place = tuple[float, float]
# Offset in points from the point, and the corner of the text that it leads to. Above and left come
# first: a Pareto front leaves its points to the right, and reaches them from below.
TRIED = (
    *((0, 8, "center", "bottom"), (-8, 0, "right", "center"), (-5, 7, "right", "bottom")),
    *((5, 7, "left", "bottom"), (8, 0, "left", "center"), (5, -7, "left", "top")),
    *((0, -8, "center", "top"), (-5, -7, "right", "top")),
)
ASIDE = {"left": 0.0, "center": 0.5, "right": 1.0, "bottom": 0.0, "top": 1.0}
# The page's font is not known when the chart is drawn: letters are taken to be this wide and high.
LETTER_EM, LINE_EM = 0.56, 1.1
RADIUS_POINTS = 4.0
LONGEST = 26


def place_labels(
    axes: Axes, labels: Sequence[tuple[str, Place]], points: Sequence[Place], size: float = 9
) -> list[str]:
    """Write each label beside its place, where it covers no other and none of the `points`.

    The first labels get the first choice; one for which there is no room is not written.
    Places are in the units of the axes, whose limits must be final. Returns what was written.
    """
    figure = axes.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]
    scale = figure.dpi / 72
    transform, frame = axes.transData.transform, axes.get_window_extent()
    radius = RADIUS_POINTS * scale
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in map(transform, points)]
    written = []
    for text, place in labels:
        x, y = transform(place)
        width, height = (em * size * scale for em in (LETTER_EM * len(text), LINE_EM))
        for dx, dy, across, along in TRIED:
            left = x + dx * scale - ASIDE[across] * width
            low = y + dy * scale - ASIDE[along] * height
            box = (left, low, left + width, low + height)
            inside = frame.x0 <= box[0] and box[2] <= frame.x1
            inside = inside and frame.y0 <= box[1] and box[3] <= frame.y1 + height
            if inside and not any(_overlap(box, other) for other in taken):
                axes.annotate(
                    text,
                    place,
                    xytext=(dx, dy),
                    textcoords="offset points",
                    ha=across,
                    va=along,
                    color=INK,
                    in_layout=False,
                    annotation_clip=False,
                )
                taken.append(box)
                written.append(text)
                break
    return written


def shorten(name: str) -> str:
    """The name, or as much of it as a chart has room for."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    return not apart
