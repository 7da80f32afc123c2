"""The files that a prediction of one picture, or of one frame, becomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.prediction import encoding
from bench.prediction.canvas import Canvas
from bench.prediction.colour_scale import ColourScale
from bench.prediction.intrinsics import Intrinsics
from bench.prediction.output_folder import SUFFIXES
from bench.prediction.wanted import Wanted
from depthbench.plural import counted


@dataclass(frozen=True)
class Predicted:
    """An image HxWx3 uint8 RGB and its depth, HxW float32; `scale` is for its colours.

    `camera` is there where a point cloud is asked for.
    """

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    scale: ColourScale
    camera: Intrinsics | None = None


def draw(predicted: Predicted, *, side_by_side: bool) -> NDArray[np.uint8]:
    """The coloured prediction with its bar, beside the image or alone; HxWx3 uint8."""
    panes = [predicted.scale.paint(predicted.depth)]
    if side_by_side:
        panes.insert(0, predicted.image)
    return Canvas(predicted.depth.shape[:2], len(panes), predicted.scale).draw(panes)


def contents(
    predicted: Predicted, formats: tuple[str, ...], wanted: Wanted, notes: list[str]
) -> Iterator[tuple[str, bytes]]:
    """The end of the name and the content of each file; what a person should know goes to `notes`.

    The names of `formats` are those of `SUFFIXES` that are of one picture.
    """
    for name in formats:
        if name == "colour":
            content = encoding.as_png(draw(predicted, side_by_side=wanted.side_by_side))
        elif name == "mm":
            levels, lost = encoding.as_millimetres(predicted.depth)
            content = encoding.as_png(levels)
            if lost:
                notes.append(
                    f"{lost} of {counted(levels.size, 'pixel')} are not within 0.001 to 65.535 "
                    f"m, and 0 in the 16-bit PNG"
                )
        elif name == "npy":
            content = encoding.as_npy(predicted.depth)
        elif predicted.camera is None:
            raise AssertionError("a point cloud is not made without a camera")
        else:
            content = encoding.as_point_cloud(predicted.depth, predicted.image, predicted.camera)
        yield SUFFIXES[name], content
