"""From a matplotlib figure to SVG that takes its colours and its font from the page around it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Drawn in these, which nothing else uses, and replaced by the page's variables of the same name.
INK, FAINT, PAGE = "#010203", "#010204", "#010205"
QUIET = "#01020a"
SERIES = ("#010206", "#010207", "#010208", "#010209")
VARIABLES = {
    **{INK: "--ink", FAINT: "--faint", PAGE: "--page", QUIET: "--quiet"},
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
POINTS_A_PIXEL = 0.75
WIDTHS = {"narrow": 328, "wide": 720}
"""CSS pixels: a chart is drawn once for a phone's screen and once for a larger one."""

Draw = Callable[["Figure", bool], None]


def draw_both(
    draw: Draw, name: str, heights: tuple[int, int], wide: int = WIDTHS["wide"]
) -> dict[str, str]:
    """The SVG of a chart by width; `draw` is given a figure and whether it is the narrow one.

    `heights` are pixels, narrow and wide, and `wide` is how many the wide one is across where it
    stands. `name` begins every id, which have to be the page's only ones. Letters are 12 pixels
    high at least on a screen of 360 pixels.
    """
    sizes = zip({**WIDTHS, "wide": wide}.items(), heights, strict=True)
    return {
        width: _render(draw, width == "narrow", (pixels, height), f"{name}-{width}")
        for (width, pixels), height in sizes
    }


def _render(draw: Draw, narrow: bool, pixels: tuple[int, int], name: str) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    width, height = (side * POINTS_A_PIXEL / 72 for side in pixels)
    with mpl.rc_context(_style(name)):
        figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
        draw(figure, narrow)
        content = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(content, metadata=nothing)
    return _embed(content.getvalue(), name, pixels)


def _style(name: str) -> dict[Any, Any]:
    return {
        **{"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9},
        **{"text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK},
        **{"axes.edgecolor": FAINT, "axes.facecolor": "none", "grid.color": FAINT},
        **{"axes.spines.top": False, "axes.spines.right": False, "grid.linewidth": 0.5},
        **{"axes.titlesize": 9, "legend.frameon": False, "legend.fontsize": 9},
        # A model's name is no formula, and a minus sign is in every font.
        **{"text.parse_math": False, "axes.unicode_minus": False},
    }


def _embed(svg: str, name: str, pixels: tuple[int, int]) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<svg [^>]*>", _opening(pixels), svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r" font-family: [^;\"]*;", "", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg


def _opening(pixels: tuple[int, int]) -> str:
    width, height = (side * POINTS_A_PIXEL for side in pixels)
    return f'<svg viewBox="0 0 {width:g} {height:g}" xmlns:xlink="http://www.w3.org/1999/xlink">'


@contextmanager
def gridded(axes: Axes) -> Iterator[Axes]:
    """Axes with a faint grid below what is drawn in the block."""
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    yield axes
