"""Draws coloured maps, with the photo beside them or without, and the bar that explains them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.prediction.colour_scale import ColourScale

BACKGROUND, OUTLINE = (20, 21, 26), (84, 87, 98)
TEXT, FAINT = (236, 237, 241), (150, 153, 163)
TEXT_OF_HEIGHT = 1 / 30
SMALLEST_TEXT, LARGEST_TEXT = 11, 64
LEAST_ROWS = 9
"""Of text that the bar must have room for."""


class Canvas:
    """Panes of one size side by side and a colour bar at their right.

    `size` is height and width of a pane; what is drawn has the same size each time, an even one,
    as videos need. The panes stand on it pixel by pixel, at `places` (row and column).
    """

    def __init__(
        self, size: tuple[int, int], panes: int, scale: ColourScale, *, caption: str = ""
    ) -> None:
        height, width = size
        text = round(min(max(height * TEXT_OF_HEIGHT, SMALLEST_TEXT), LARGEST_TEXT))
        self._font = _font(text)
        self._margin, gap = round(text * 0.8), max(round(text * 0.5), 2)
        ticks = scale.ticks
        labels = [*(label for _, label in ticks), scale.quantity.unit, caption]
        column = max(self._width_of(label) for label in labels)
        bar = round(text * 1.1)
        self._bar_left = self._margin + panes * (width + gap) + gap
        column = max(column, bar + gap + max(self._width_of(label) for _, label in ticks))
        inner = max(height, LEAST_ROWS * text)
        total = (inner + 2 * self._margin, self._bar_left + column + self._margin)
        self.size = (total[0] + total[0] % 2, total[1] + total[1] % 2)
        top = (self.size[0] - height) // 2
        self.places = [(top, self._margin + pane * (width + gap)) for pane in range(panes)]
        self._pane = size
        self._blank = Image.new("RGB", self.size[::-1], BACKGROUND)
        first, last = (self.size[0] - inner) // 2, (self.size[0] + inner) // 2
        self._caption_top = last - text
        rows = (first + 2 * text, last - text // 2 - (2 * text if caption else 0))
        ImageDraw.Draw(self._blank).text(
            (self._bar_left, first), scale.quantity.unit, FAINT, self._font, anchor="lt"
        )
        self._draw_bar(scale, ticks, rows, bar, gap)

    def draw(self, panes: Sequence[NDArray], caption: str = "") -> NDArray[np.uint8]:
        """The panes (each HxWx3 uint8) and the bar as one picture, with a caption below the bar."""
        drawn = self._blank
        if caption:
            drawn = self._blank.copy()
            place = (self._bar_left, self._caption_top)
            ImageDraw.Draw(drawn).text(place, caption, FAINT, self._font, anchor="lt")
        pixels = np.array(drawn)
        height, width = self._pane
        for pane, (row, column) in zip(panes, self.places, strict=True):
            pixels[row : row + height, column : column + width] = pane
        return pixels

    def _draw_bar(
        self,
        scale: ColourScale,
        ticks: Sequence[tuple[float, str]],
        rows: tuple[int, int],
        width: int,
        gap: int,
    ) -> None:
        """Near at the bottom, as the floor is in a picture."""
        top, bottom = rows
        left = self._bar_left
        length = bottom - top
        nearest = np.rint(np.linspace(len(scale.table) - 1, 0, length)).astype(int)
        colours = np.repeat(scale.table[nearest][:, None], width, axis=1)
        self._blank.paste(Image.fromarray(colours), (left, top))
        pen = ImageDraw.Draw(self._blank)
        pen.rectangle((left - 1, top - 1, left + width, bottom), outline=OUTLINE)
        for at, label in ticks:
            row = top + round((1 - at) * (length - 1))
            pen.line([(left + width + 1, row), (left + width + gap // 2, row)], FAINT)
            pen.text((left + width + gap, row), label, TEXT, self._font, anchor="lm")

    def _width_of(self, label: str) -> int:
        return round(self._font.getlength(label)) + 1


def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)
