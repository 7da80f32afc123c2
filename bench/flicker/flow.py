"""Where each pixel of a frame was in the frame before, and whether it was seen there."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthbench.errors import ToolMissing

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """Of the pixels of a frame: `flow` (HxWx2: columns, rows) leads to where each was before.

    `visible` (HxW booleans): whether it was seen there.
    """

    flow: Floats
    visible: NDArray[np.bool_]


def no_motion(size: tuple[int, ...]) -> Motion:
    """That of a camera and a scene that stand still; `size` is height and width."""
    height, width = size
    return Motion(np.zeros((height, width, 2), np.float32), np.ones((height, width), bool))


def warp(values: NDArray[Any], flow: Floats) -> NDArray[Any]:
    """A map of the frame before, HxW, as the frame after sees it: linear between pixels.

    What `flow` takes from outside the map is that of its edge.
    """
    from scipy.ndimage import map_coordinates

    rows, columns = np.indices(values.shape, dtype=np.float32)
    places = [rows + flow[..., 1], columns + flow[..., 0]]
    return map_coordinates(values, places, order=1, mode="nearest")


def agreeing(backward: Floats, forward: Floats) -> NDArray[np.bool_]:
    """The pixels of a frame that are seen in the one before, HxW.

    Those whose flow back and then forth comes home (Sundaram, Brox and Keutzer 2010, equation 5),
    from inside the frame before.
    """
    height, width = backward.shape[:2]
    rows, columns = np.indices((height, width), dtype=np.float32)
    x, y = columns + backward[..., 0], rows + backward[..., 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    back = np.stack([warp(forward[..., axis], backward) for axis in range(2)], axis=2)
    away = np.sum((backward + back) ** 2, axis=2)
    lengths = np.sum(backward**2, axis=2) + np.sum(back**2, axis=2)
    return inside & (away < 0.01 * lengths + 0.5)


class DenseFlow:
    """Dense flow by inverse search (DIS, Kroeger et al. 2016), as OpenCV has it.

    Raises ToolMissing where OpenCV is not installed.
    """

    def __init__(self) -> None:
        try:
            cv2: Any = importlib.import_module("cv2")
        except ImportError as error:
            raise ToolMissing(
                "flow between frames needs OpenCV, which is not installed",
                advice="pip install 'depthbench[flicker]', or say that nothing moves: --static",
            ) from error
        self._flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.name = f"DIS flow, OpenCV {cv2.__version__}"

    def between(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Motion:
        """The motion of `after` since `before`, both HxWx3 uint8 RGB."""
        if np.array_equal(before, after):
            return no_motion(after.shape[:2])
        first, second = _grey(before), _grey(after)
        backward = self._flow.calc(second, first, None)
        forward = self._flow.calc(first, second, None)
        return Motion(backward, agreeing(backward, forward))


def _grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of ITU-R BT.601."""
    return np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
