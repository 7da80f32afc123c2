"""Contact sheet: image, truth, prediction and error side by side, as a PNG."""

from __future__ import annotations

import hashlib
import io
import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depthbench.errors import InputError
from depthbench.plural import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bench.accuracy.evaluate import ImageResult

WIDTH_IN, TILE_IN, DPI = 12.0, 2.56, 160
PANELS = "Panels"
TITLE_CHARACTERS = 140
HEADINGS = ("image", "truth", "prediction", "prediction minus truth")
DEPTH_COLOURS, ERROR_COLOURS, UNSCORED = "turbo_r", "RdBu_r", "#d9d9d9"
SCALE_PERCENTILES = (1, 99)


def spread(count: int, images: int) -> list[int]:
    """`images` indices, or fewer, spread evenly over a data set of `count`."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, images))})


class Sample:
    """Keeps, of the results that it is called with one after another, some that are spread evenly.

    At most `images` of `count` are in `results`.
    """

    def __init__(self, count: int, images: int) -> None:
        self.results: list[ImageResult] = []
        self._wanted = set(spread(count, images))
        self._seen = 0

    def __call__(self, result: ImageResult) -> None:
        if self._seen in self._wanted:
            self.results.append(result)
        self._seen += 1


def check_path(path: Path) -> Path:
    """`path` itself; raises InputError unless a PNG can be meant by it."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: a contact sheet is a PNG image", advice="name it FILE.png")
    return path


def sheet_entry(path: Path, records: Path | None) -> dict[str, str]:
    """What a record says of its sheet: the `file`, as seen from the records', and its `sha256`."""
    start = records.parent if records else Path()
    content = path.read_bytes()
    return {
        "file": os.path.relpath(path, start),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def write_contact_sheet(
    path: Path, results: Sequence[ImageResult], record: Mapping[str, Any]
) -> None:
    """Draw a row for each result and write the sheet to `path` (PNG), whole or not at all.

    `record` is the one of the whole data set, whose figures stand in the heading. Truth and
    prediction of a row share a colour scale, which is the truth's range; pixels that do not
    count are grey in the truth and the error. The file says where its panels are, for those who
    show some of them alone: its text `PANELS` is JSON, a list of rows with `name`, `delta1`, what
    the colours mean (`near_m`, `far_m` and `worst_m`), and `boxes`: left, top, right and bottom
    pixels of the panels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from depthbench.files import write_whole

    figure = _draw(results, record)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    told = PngInfo()
    told.add_text(PANELS, json.dumps(_panels(figure, results)))
    content = io.BytesIO()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    drawn.save(content, "PNG", pnginfo=told, dpi=(DPI, DPI))
    write_whole(path, content.getvalue())


def _draw(results: Sequence[ImageResult], record: Mapping[str, Any]) -> Figure:
    from matplotlib.figure import Figure

    rows, columns = results[0].comparison.truth.shape
    aspect = rows / columns
    height = 1.0 + len(results) * (TILE_IN * aspect + 0.28)
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.05, hspace=0.02, wspace=0.01)  # type: ignore
    figure.suptitle(_title(record), fontsize=11, x=0.012, ha="left")
    grid = figure.subplots(len(results), len(HEADINGS), squeeze=False)
    for axes, result in zip(grid, results, strict=True):
        _draw_row(figure, axes, result)
    for axis, heading in zip(grid[0], HEADINGS, strict=True):
        axis.annotate(
            heading,
            xy=(0.5, 1),
            xytext=(0, 22),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            fontsize=10,
            fontweight="bold",
        )
    return figure


def _title(record: Mapping[str, Any]) -> str:
    first = (
        f"{record['model']} on {record['data']} ({record['split']}), protocol "
        f"{record['protocol']}, {record['runtime']}; weights: {record['weights']}"
    )
    means = f"mean of {counted(record['images'], 'image')}: {_scores(record)}"
    return "\n".join([*textwrap.wrap(first, TITLE_CHARACTERS), means])


def _scores(row: Mapping[str, Any]) -> str:
    return f"RMSE {row['rmse']:.3f} m, REL {row['rel']:.3f}, δ1 {row['delta1']:.3f}"


def _panels(figure: Figure, results: Sequence[ImageResult]) -> list[dict[str, Any]]:
    """Where the panels of a figure that was drawn are, and what they show."""
    height = figure.bbox.height
    shown = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    rows = []
    for number, result in enumerate(results):
        boxes = []
        for axis in shown[number * len(HEADINGS) :][: len(HEADINGS)]:
            box = axis.get_window_extent()
            sides = (box.x0, height - box.y1, box.x1, height - box.y0)
            boxes.append([round(side) for side in sides])
        near, far, worst = _ranges(result)
        told = {"near_m": near, "far_m": far, "worst_m": worst}
        rows.append(
            {"name": result.name, "delta1": result.scores["delta1"], **told, "boxes": boxes}
        )
    return rows


def _ranges(result: ImageResult) -> tuple[float, float, float]:
    """Metres of the first and the last colour of depth, and of the last one of error."""
    comparison = result.comparison
    truth = comparison.truth[comparison.mask]
    near, far = map(float, np.percentile(truth, SCALE_PERCENTILES))
    error = np.abs(comparison.prediction[comparison.mask] - truth)
    worst = float(np.percentile(error, SCALE_PERCENTILES[1]))
    return near, max(far, near + 0.1), max(worst, 0.05)


def _draw_row(figure: Figure, axes: Sequence[Axes], result: ImageResult) -> None:
    comparison = result.comparison
    size = comparison.truth.shape
    truth = np.ma.masked_array(comparison.truth, ~comparison.mask)
    error = np.ma.masked_array(comparison.prediction - comparison.truth, ~comparison.mask)
    near, far, worst = _ranges(result)
    depth = {"cmap": DEPTH_COLOURS, "vmin": near, "vmax": far}
    signed = {"cmap": ERROR_COLOURS, "vmin": -worst, "vmax": worst}
    maps: tuple[tuple[NDArray, dict[str, Any]], ...] = (
        (truth, depth),
        (comparison.prediction, depth),
        (error, signed),
    )
    for axis in axes:
        axis.set(xticks=[], yticks=[], facecolor=UNSCORED)
        axis.spines[:].set_visible(False)
    # All four at the size of the comparison, so that what is aligned looks aligned.
    axes[0].imshow(result.image, extent=(0, size[1], size[0], 0), interpolation="antialiased")
    axes[0].set_title(result.name, fontsize=8.5, loc="left", pad=4, family="monospace")
    for axis, (values, colours) in zip(axes[1:], maps, strict=True):
        drawn = axis.imshow(values, interpolation="nearest", **colours)
        bar = figure.colorbar(drawn, ax=axis, extend="both", fraction=0.045, pad=0.015, aspect=16)
        bar.ax.tick_params(labelsize=7, length=2)
        bar.ax.set_title("m", fontsize=7, pad=3)
        bar.outline.set_visible(False)
    axes[3].set_title(_scores(result.scores), fontsize=8.5, loc="left", pad=4)
