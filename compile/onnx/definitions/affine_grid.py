"""Where an affine map takes the pixels of an image, as a product with their coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _affine_grid(operation: Operation) -> onnx.FunctionProto | None:
    """TVM knows grids of two axes only, and none of one pixel whose corners are aligned."""
    size = operation.constant(1)
    if size is None:
        return None
    count, _, *lengths = map(int, size)
    aligned = bool(operation.attributes["align_corners"])
    pixels = np.meshgrid(*(_coordinates(n, aligned) for n in lengths), indexing="ij")
    table = np.stack([*reversed(pixels), np.ones(lengths)]).reshape(len(lengths) + 1, -1)
    body = Body(operation)
    places = body("MatMul", body.inputs[0], body.constant(table, operation.dtype(0)))
    places = body("Transpose", places, perm=(0, 2, 1))
    return body.function(body.reshape(places, [count, *lengths, len(lengths)]))


def _coordinates(length: int, aligned: bool) -> np.ndarray:
    """From -1 to 1, at the middles of pixels or from the first to the last; ONNX Runtime's."""
    if not aligned:
        return (2 * np.arange(length) + 1) / length - 1
    return np.linspace(-1, 1, length) if length > 1 else np.ones(1)


DEFINITIONS = {("", "AffineGrid"): _affine_grid}
